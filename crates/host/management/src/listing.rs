//! Lists as clients ask for them: columns, sorting, filter by name, pages.

use std::cmp::Ordering;

use axum::http::StatusCode;
use regex::{Regex, RegexBuilder};
use serde_json::{Map as JsonMap, Value as Json, json};

use crate::answer::Refusal;
use crate::call::Call;

/// Items of a page when the query does not say.
const PAGE_DEFAULT: usize = 100;
/// Most items of a page.
const PAGE_MAX: usize = 500;
/// Most bytes of a compiled pattern (section 6, B8).
const PATTERN_MAX_BYTES: usize = 64 << 10;

/// What a query asks of a list.
pub(crate) struct Listing {
    page: Option<(usize, usize)>,
    name: Option<NameFilter>,
    sort: Vec<String>,
    order: Order,
    columns: Vec<String>,
}

enum NameFilter {
    Part(String),
    Pattern(Regex),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Forward,
    Reverse,
}

impl Listing {
    /// Reads the query. A page that is no number from 1, or a pattern that is none, is refused.
    pub(crate) fn of(call: &Call) -> Result<Self, Refusal> {
        let positive = |name: &str| match call.query(name).filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => match text.parse::<usize>() {
                Ok(number) if number >= 1 => Ok(Some(number)),
                _ => Err(Refusal::bad(format!("\"{name}\" must be a whole number of at least 1"))),
            },
        };
        let page_size = positive("page_size")?.unwrap_or(PAGE_DEFAULT);
        if page_size > PAGE_MAX {
            return Err(Refusal::bad(format!("\"page_size\" may be {PAGE_MAX} at most")));
        }
        let split = |text: Option<&str>| -> Vec<String> {
            let parts = text.unwrap_or_default().split(',').filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect()
        };
        let mut sort = split(call.query("sort"));
        if sort.is_empty() {
            sort = vec!["vhost".to_owned(), "name".to_owned()];
        }
        Ok(Self {
            page: positive("page")?.map(|page| (page, page_size)),
            name: name_filter(call)?,
            sort,
            order: if call.is_on("sort_reverse") { Order::Reverse } else { Order::Forward },
            columns: split(call.query("columns")),
        })
    }

    /// The list as it is sent.
    pub(crate) fn apply(&self, mut items: Vec<Json>) -> Result<Json, Refusal> {
        let total_count = items.len();
        if let Some(filter) = &self.name {
            items.retain(|item| {
                item.get("name").and_then(Json::as_str).is_some_and(|name| filter.is_match(name))
            });
        }
        items.sort_by(|a, b| self.compare(a, b));
        let Some((page, page_size)) = self.page else {
            return Ok(items.iter().map(|item| self.project(item)).collect());
        };
        let filtered_count = items.len();
        let page_count = filtered_count.div_ceil(page_size).max(1);
        if page > page_count {
            let reason = format!("there are {page_count} pages of {page_size} items, and no page {page}");
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "page_out_of_range", reason));
        }
        let start = (page - 1).saturating_mul(page_size);
        let shown: Vec<Json> =
            items.iter().skip(start).take(page_size).map(|item| self.project(item)).collect();
        Ok(json!({
            "filtered_count": filtered_count,
            "item_count": shown.len(),
            "items": shown,
            "page": page,
            "page_count": page_count,
            "page_size": page_size,
            "total_count": total_count,
        }))
    }

    fn compare(&self, a: &Json, b: &Json) -> Ordering {
        let ordering = self
            .sort
            .iter()
            .map(|path| compare_json(at(a, path), at(b, path)))
            .find(|ordering| ordering.is_ne())
            .unwrap_or(Ordering::Equal);
        if self.order == Order::Reverse { ordering.reverse() } else { ordering }
    }

    /// Only the columns that were asked for; all of them when none was.
    pub(crate) fn project(&self, item: &Json) -> Json {
        let Json::Object(members) = item else { return item.clone() };
        if self.columns.is_empty() {
            return item.clone();
        }
        let mut shown = JsonMap::new();
        for column in &self.columns {
            let (first, rest) = column.split_once('.').map_or((column.as_str(), None), |(a, b)| (a, Some(b)));
            let Some(value) = members.get(first) else { continue };
            match rest {
                None => {
                    shown.insert(first.to_owned(), value.clone());
                }
                Some(rest) => {
                    let inner = shown.entry(first).or_insert_with(|| json!({}));
                    if let (Json::Object(inner), Some(value)) = (inner, value.get(rest)) {
                        inner.insert(rest.to_owned(), value.clone());
                    }
                }
            }
        }
        Json::Object(shown)
    }
}

fn name_filter(call: &Call) -> Result<Option<NameFilter>, Refusal> {
    let Some(text) = call.query("name").filter(|text| !text.is_empty()) else { return Ok(None) };
    if !call.is_on("use_regex") {
        return Ok(Some(NameFilter::Part(text.to_lowercase())));
    }
    let pattern = RegexBuilder::new(text).case_insensitive(true).size_limit(PATTERN_MAX_BYTES).build();
    let pattern = pattern.map_err(|error| Refusal::bad(format!("\"name\" is not a pattern: {error}")))?;
    Ok(Some(NameFilter::Pattern(pattern)))
}

impl NameFilter {
    fn is_match(&self, name: &str) -> bool {
        match self {
            Self::Part(part) => name.to_lowercase().contains(part.as_str()),
            Self::Pattern(pattern) => pattern.is_match(name),
        }
    }
}

/// Member at a path with dots.
fn at<'a>(item: &'a Json, path: &str) -> Option<&'a Json> {
    path.split('.').try_fold(item, |value, part| value.get(part))
}

/// Absent first, then by kind, then by value.
fn compare_json(a: Option<&Json>, b: Option<&Json>) -> Ordering {
    let rank = |value: Option<&Json>| match value {
        None | Some(Json::Null) => 0,
        Some(Json::Bool(_)) => 1,
        Some(Json::Number(_)) => 2,
        Some(Json::String(_)) => 3,
        Some(Json::Array(_) | Json::Object(_)) => 4,
    };
    match (a, b) {
        (Some(Json::Bool(a)), Some(Json::Bool(b))) => a.cmp(b),
        (Some(Json::Number(a)), Some(Json::Number(b))) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
        },
        (Some(Json::String(a)), Some(Json::String(b))) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    }
}

#[cfg(test)]
mod tests {
    use crate::call::decode_query;

    use super::*;

    fn listed(query: &str) -> Result<Json, &'static str> {
        let call = Call {
            actor: crate::core_session::Actor::User("u".into()),
            names: Vec::new(),
            query: decode_query(query),
            reason: None,
            body: bytes::Bytes::new(),
        };
        let item = |name: &str, n: u32| json!({ "name": name, "n": n, "in": { "a": n, "b": 0 } });
        let items = vec![item("b", 1), item("C", 3), item("a", 2)];
        Listing::of(&call).and_then(|listing| listing.apply(items)).map_err(|refusal| refusal.error)
    }

    fn names(list: &Json) -> Vec<&str> {
        list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
    }

    #[test]
    fn lists_are_sorted_and_filtered() {
        for (query, expect) in [
            ("", vec!["C", "a", "b"]),
            ("sort=n", vec!["b", "a", "C"]),
            ("sort=in.a&sort_reverse=true", vec!["C", "a", "b"]),
            ("name=c", vec!["C"]),
            ("name=%5E%5Bab%5D%24&use_regex=true", vec!["a", "b"]),
            ("name=%5E&use_regex=false", vec![]),
        ] {
            assert_eq!(names(&listed(query).unwrap()), expect, "{query}");
        }
    }

    #[test]
    fn pages_say_where_they_are() {
        let page = listed("page=2&page_size=2").unwrap();
        assert_eq!(names(&page["items"]), ["b"]);
        for (field, expect) in
            [("filtered_count", 3), ("item_count", 1), ("page", 2), ("page_count", 2), ("total_count", 3)]
        {
            assert_eq!(page[field], expect, "{field}");
        }
        assert_eq!(listed("page=1&name=none").unwrap()["page_count"], 1);
    }

    #[test]
    fn wrong_queries_are_refused() {
        assert_eq!(listed("page=3&page_size=2"), Err("page_out_of_range"));
        for query in ["page=0", "page=-1", "page=x", "page=1&page_size=501", "page_size=0"] {
            assert_eq!(listed(query), Err("bad_request"), "{query}");
        }
        assert_eq!(listed("name=%28&use_regex=true"), Err("bad_request"));
        let large = format!("name={}&use_regex=true", "(a{999}){999}");
        assert_eq!(listed(&large), Err("bad_request"), "B8: no pattern of any size");
    }

    #[test]
    fn columns_choose_members() {
        let list = listed("columns=name,in.a,nothing&name=a").unwrap();
        assert_eq!(list, json!([{ "name": "a", "in": { "a": 2 } }]));
    }
}
