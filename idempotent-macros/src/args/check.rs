//! `check(path, after = "2s")`.

use proc_macro2::Ident;
use syn::{
    ExprPath, Token,
    ext::IdentExt as _,
    parse::{ParseStream, Parser as _},
};

use super::{
    duration::duration,
    form::{Read, Written, read_form, skip_rest, skip_to_comma},
};
use crate::{errors::Errors, key, texts};

/// `check(path, after = "2s")`.
pub(crate) struct Check {
    pub(crate) path: ExprPath,
    pub(crate) after_micros: u64,
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
    let mut told = false;
    while !input.is_empty() {
        let comma: syn::Result<Token![,]> = input.parse();
        if input.is_empty() {
            break;
        }
        let Ok(option) = input.call(Ident::parse_any) else {
            if let Some(token) = skip_rest(input) {
                errors.push(token, texts::malformed("check"));
            }
            return Read::Told;
        };
        if comma.is_err() {
            errors.push(&option, texts::missing_comma(&option.to_string()));
            told = true;
        }
        match (option.to_string().as_str(), read_form(input)) {
            ("after", Written::Value(_)) if after.is_some() => {
                errors.push(&option, texts::written_twice("after"));
                told = true;
            }
            ("after", Written::Value(expr)) => match duration("after", &expr, errors) {
                Read::Value(micros) => after = Some(micros),
                Read::Malformed => {
                    errors.push(expr, texts::malformed("check"));
                    told = true;
                }
                Read::Told => told = true,
            },
            ("first", Written::Alone) => {
                errors.push(option, texts::CHECK_FIRST_NOT_BUILT);
                told = true;
            }
            ("after", _) => {
                errors.push(option, texts::malformed("check"));
                told = true;
            }
            (other, _) => {
                errors.push(&option, texts::check_unknown(other));
                told = true;
            }
        }
        if !input.is_empty()
            && !input.peek(Token![,])
            && let Some(token) = skip_to_comma(input)
        {
            errors.push(&token, texts::missing_comma(&token.to_string()));
            told = true;
        }
    }
    match after {
        Some(after_micros) if !told => Read::Value(Check { path, after_micros }),
        None if !told => {
            errors.push(&path, texts::check_needs_after(&key::text(&path)));
            Read::Told
        }
        _ => Read::Told,
    }
}
