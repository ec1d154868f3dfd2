//! What logs may say of accounts and resources: enough to follow one of them, not enough to know it.

use std::net::{IpAddr, Ipv4Addr};

use crate::hash::sha256_hex;
use crate::organization::is_account_id;

const ADDRESS: &str = "<address>";

/// An account by its last four digits: `********3333`. What is no account's id is masked as a name.
pub fn account(id: &str) -> String {
    match is_account_id(id) {
        true => format!("********{}", &id[8..]),
        false => name(id),
    }
}

/// A name by eight digits of its hash, so that lines about one thing are found by it: `~1a2b3c4d`.
pub fn name(name: &str) -> String {
    format!("~{}", &sha256_hex(name.as_bytes())[..8])
}

/// A text of ours with the account ids, addresses of machines and ARNs masked that others put into it.
pub fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|letter| !is_of_word(letter)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        out.push_str(&masked_word(word));
        let between = after.find(is_of_word).unwrap_or(after.len());
        out.push_str(&after[..between]);
        rest = &after[between..];
    }
    out
}

/// Of a word, as ARNs and addresses are written.
fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || ":.-_/%*@+".contains(letter)
}

fn masked_word(word: &str) -> String {
    // A full stop or colon at the end is the sentence's.
    let bare = word.trim_end_matches(['.', ':']);
    let end = &word[bare.len()..];
    if bare.starts_with("arn:") {
        return format!("{}{end}", name(bare));
    }
    let address = bare.split(['/', '%']).next().unwrap_or_default();
    if address.parse::<IpAddr>().is_ok() || is_with_port(address) {
        return format!("{ADDRESS}{end}");
    }
    format!("{}{end}", within(bare))
}

fn is_with_port(word: &str) -> bool {
    word.rsplit_once(':')
        .is_some_and(|(host, port)| host.parse::<IpAddr>().is_ok() && port.parse::<u16>().is_ok())
}

/// Masks what stands between other letters of a word.
fn within(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_digit()) {
        out.push_str(&rest[..start]);
        let end = rest[start..].find(|letter: char| !letter.is_ascii_digit() && letter != '.');
        let (numbers, after) = rest[start..].split_at(end.unwrap_or(rest.len() - start));
        out.push_str(&masked_numbers(numbers));
        rest = after;
    }
    out + rest
}

/// Digits and full stops.
fn masked_numbers(numbers: &str) -> String {
    if numbers.trim_end_matches('.').parse::<Ipv4Addr>().is_ok() {
        return ADDRESS.to_owned();
    }
    let each = numbers.split('.').map(|digits| match is_account_id(digits) {
        true => account(digits),
        false => digits.to_owned(),
    });
    each.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_keep_four_digits_and_names_none() {
        assert_eq!(account("111122223333"), "********3333");
        assert_eq!(account("somebody"), name("somebody"));
        assert_eq!(name("payroll-backups").len(), 9);
        assert_ne!(name("a"), name("b"));
    }

    #[test]
    fn texts_are_masked_where_they_name_somebody() {
        let check = |given: &str, expected: &str| assert_eq!(text(given), expected, "{given}");
        check("detail.time is not a time", "detail.time is not a time");
        check("account 111122223333.", "account ********3333.");
        check(
            "x-111122223333-y, 1111222233334",
            "x-********3333-y, 1111222233334",
        );
        check("at 10.1.2.3:443, 10.0.0.0/8: no", "at <address>, <address>: no");
        check("ip-10.1.2.3-111122223333-x", "ip-<address>-********3333-x");
        check("from 2001:db8::1 at 10:00:30", "from <address> at 10:00:30");
        check("AWS::S3::Bucket v1.2.3", "AWS::S3::Bucket v1.2.3");
        let arn = "arn:aws:s3:::payroll";
        check(&format!("({arn})"), &format!("({})", name(arn)));
        check("", "");
    }
}
