//! Pages of listings.

use ternmq_api::Refusal;

use super::faults::fault;
use crate::call::{Call, Output};
use crate::page::Page;

/// Without a wish a listing is whole.
const ALL: i32 = 1_000_000;

/// The page that a call wants of things that are sorted by `key`, under `name`. `by_name` is the list by which a call
/// names single things; with it there are no pages.
pub(super) fn page<T>(
    call: &Call<'_>,
    by_name: &'static str,
    things: Vec<T>,
    key: impl Fn(&T) -> String,
) -> Result<(Vec<T>, Option<String>), Refusal> {
    let size = call.number("MaxResults").and_then(|size| i32::try_from(size).ok());
    if size.is_some() && !call.texts(by_name).is_empty() {
        let text = format!("The parameter MaxResults cannot be used with the parameter {by_name}");
        return Err(fault("InvalidParameterCombination", text));
    }
    let page = Page::of(Some(size.unwrap_or(ALL)), call.text("NextToken"))
        .map_err(|refusal| fault("InvalidPaginationToken", refusal.message))?;
    Ok(page.of_sorted(things.into_iter(), key))
}

/// A page as an output.
pub(super) fn listed(name: &str, items: Vec<serde_json::Value>, next: Option<String>) -> Output {
    let mut output = Output::from_iter([(name.to_owned(), items.into())]);
    output.extend(next.map(|token| ("NextToken".to_owned(), token.into())));
    output
}
