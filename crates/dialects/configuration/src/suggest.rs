//! "Did you mean": the known key nearest to one that is not known.

/// Keys longer than this are not compared: the work grows with the square.
const MAX_COMPARED_BYTES: usize = 64;

/// The nearest of `known`, if one is near enough to be meant.
pub(crate) fn nearest<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if text.len() > MAX_COMPARED_BYTES {
        return None;
    }
    let limit = (text.len() / 4).clamp(1, 4);
    known
        // as many bytes would have to be put in or taken out
        .filter(|candidate| candidate.len().abs_diff(text.len()) <= limit)
        .map(|candidate| (distance(text.as_bytes(), candidate.as_bytes()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many bytes have to be put in, taken out or changed to get from one to the other.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, byte_a) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (byte_b, above) in b.iter().zip(row.iter_mut().skip(1)) {
            let changed = diagonal + usize::from(byte_a != byte_b);
            diagonal = *above;
            left = changed.min(left + 1).min(diagonal + 1);
            *above = left;
        }
    }
    row.last().copied().unwrap_or_default()
}
