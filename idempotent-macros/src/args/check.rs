//! `check(path, after = "2s", first)`.

use proc_macro2::Ident;
use syn::{
    ExprPath,
    parse::{ParseStream, Parser as _},
};

use super::{
    duration::duration,
    form::{Read, Written, comma, options, skip_rest},
};
use crate::{errors::Errors, key, texts};

/// `check(path, after = "2s", first)`.
pub(crate) struct Check {
    pub(crate) path: ExprPath,
    pub(crate) after_micros: u64,
    pub(crate) first: bool,
}

pub(super) fn as_check(name: &Ident, written: Written, errors: &Errors) -> Read<Check> {
    let Written::List(list) = written else { return Read::Malformed };
    let read = |input: ParseStream<'_>| Ok(check_list(name, input, errors));
    read.parse2(list).unwrap_or(Read::Malformed)
}

fn check_list(name: &Ident, input: ParseStream<'_>, errors: &Errors) -> Read<Check> {
    let Ok(path) = input.parse::<ExprPath>() else {
        let first = skip_rest(input);
        match first {
            Some(token) => errors.push(token, texts::CHECK_NEEDS_PATH),
            None => errors.push(name, texts::CHECK_NEEDS_PATH),
        }
        return Read::Told;
    };
    let mut after = None;
    let mut first = false;
    let mut well = comma(input, errors);
    well &= options("check", input, errors, |option, written| {
        match (option.to_string().as_str(), written) {
            ("after", Written::Value(_)) if after.is_some() => {
                errors.push(option, texts::written_twice("after"));
            }
            ("after", Written::Value(expr)) => match duration("after", &expr, errors) {
                Read::Value(micros) => {
                    after = Some(micros);
                    return true;
                }
                Read::Malformed => errors.push(expr, texts::malformed("check")),
                Read::Told => {}
            },
            ("first", Written::Alone) if first => errors.push(option, texts::written_twice("first")),
            ("first", Written::Alone) => {
                first = true;
                return true;
            }
            ("first", _) => errors.push(option, texts::CHECK_FIRST_ALONE),
            ("after", _) => errors.push(option, texts::malformed("check")),
            (other, _) => errors.push(option, texts::check_unknown(other)),
        }
        false
    });
    match after {
        Some(after_micros) if well => Read::Value(Check { path, after_micros, first }),
        None if well => {
            errors.push(&path, texts::check_needs_after(&key::text(&path)));
            Read::Told
        }
        _ => Read::Told,
    }
}
