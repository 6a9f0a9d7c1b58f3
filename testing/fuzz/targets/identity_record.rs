//! A kept record of a principal: the first line is its key, the rest its bytes. It is read whole or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ternmq_fuzz as _;
use ternmq_identity::directory::{Directory, ManagedFilter, Page};

fuzz_target!(|input: &[u8]| {
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else { return };
    let Ok(key) = std::str::from_utf8(&input[..end]) else { return };
    let value = &input[end + 1..];
    let Ok(directory) = Directory::load("123456789012", [(key, value)]) else { return };
    let page = Page::default();
    let users = directory.list_users(None, &page).expect("the page is good").items.len();
    let groups = directory.list_groups(None, &page).expect("the page is good").items.len();
    let roles = directory.list_roles(None, &page).expect("the page is good").items.len();
    let _ = directory.list_policies(&ManagedFilter::default(), &page).expect("the page is good");
    assert!(users + groups + roles <= 1);
    let longer = [value, b"\0"].concat();
    assert!(Directory::load("123456789012", [(key, longer.as_slice())]).is_err());
});
