//! Pages of listings: an opaque token says after which key the next one begins.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ternmq_api::Refusal;

/// Items of a page that is not asked for by size.
const DEFAULT: usize = 20;
/// First byte of a token: its form.
const FORM: u8 = 1;

/// What a caller says about the page that it wants.
pub(crate) struct Page {
    /// Most items.
    pub size: usize,
    /// Key after which it begins; empty: at the beginning.
    pub after: String,
}

impl Page {
    /// # Errors
    /// A token that this service did not make. The size was checked by the model.
    pub(crate) fn of(max_results: Option<i32>, next_token: Option<&str>) -> Result<Self, Refusal> {
        let size = max_results.and_then(|size| usize::try_from(size).ok()).unwrap_or(DEFAULT);
        let after = match next_token {
            None => String::new(),
            Some(token) => after(token).ok_or_else(|| {
                Refusal::bad_request("nextToken", "The next token is invalid. Begin again without one.")
            })?,
        };
        Ok(Self { size, after })
    }

    /// `maxResults` of the answer.
    pub(crate) fn max_results(&self) -> i32 {
        i32::try_from(self.size).unwrap_or(i32::MAX)
    }

    /// Cuts what was read, one more than the page holds, to the page; gives the token of the next one.
    pub(crate) fn cut<T>(&self, items: &mut Vec<T>, key: impl Fn(&T) -> String) -> Option<String> {
        if items.len() <= self.size {
            return None;
        }
        items.truncate(self.size);
        items.last().map(|last| token(&key(last)))
    }

    /// The same, of what is in memory in the order of its keys.
    pub(crate) fn of_sorted<T>(
        &self,
        items: impl Iterator<Item = T>,
        key: impl Fn(&T) -> String,
    ) -> (Vec<T>, Option<String>) {
        let mut items: Vec<T> = items.filter(|item| key(item) > self.after).take(self.size + 1).collect();
        let token = self.cut(&mut items, key);
        (items, token)
    }
}

fn token(key: &str) -> String {
    let mut bytes = vec![FORM];
    bytes.extend_from_slice(key.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn after(token: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (form, key) = bytes.split_first()?;
    (*form == FORM && !key.is_empty()).then(|| String::from_utf8(key.to_vec()).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other() {
        let all = ["a", "b", "c", "d", "e"].map(str::to_owned);
        let (mut next, mut seen, mut pages) = (None, Vec::new(), 0);
        loop {
            let page = Page::of(Some(2), next.as_deref()).unwrap();
            let (items, token) = page.of_sorted(all.iter().cloned(), String::clone);
            seen.extend(items);
            pages += 1;
            next = token;
            if next.is_none() {
                break;
            }
        }
        assert_eq!((seen, pages), (all.to_vec(), 3));
    }

    #[test]
    fn tokens_of_others_are_refused() {
        for bad in ["", "x", "AA", "AQ", "!!", "/w=="] {
            assert!(Page::of(None, Some(bad)).is_err(), "{bad}");
        }
        assert_eq!(after(&token("broker/x")), Some("broker/x".into()));
    }
}
