//! `value(version = 2, upgrade = path)`.

use proc_macro2::Ident;
use syn::{
    Expr, ExprPath, Lit,
    parse::{ParseStream, Parser as _},
};

use super::form::{Read, Written, options};
use crate::{errors::Errors, key, texts};

/// `value(version = 2, upgrade = path)`.
pub(crate) struct Value {
    pub(crate) version: u32,
    pub(crate) upgrade: Option<ExprPath>,
}

pub(super) fn as_value(name: &Ident, written: Written, errors: &Errors) -> Read<Value> {
    let Written::List(list) = written else { return Read::Malformed };
    let read = |input: ParseStream<'_>| Ok(value_list(name, input, errors));
    read.parse2(list).unwrap_or(Read::Malformed)
}

fn value_list(name: &Ident, input: ParseStream<'_>, errors: &Errors) -> Read<Value> {
    let mut version: Option<u32> = None;
    let mut upgrade: Option<(Ident, ExprPath)> = None;
    let well = options("value", input, errors, |option, written| {
        match (option.to_string().as_str(), written) {
            ("version", Written::Value(_)) if version.is_some() => {
                errors.push(option, texts::written_twice("version"));
            }
            ("upgrade", Written::Value(_)) if upgrade.is_some() => {
                errors.push(option, texts::written_twice("upgrade"));
            }
            ("version", Written::Value(expr)) => match number(&expr) {
                Some(0) => errors.push(expr, texts::VERSION_ZERO),
                Some(number) => {
                    version = Some(number);
                    return true;
                }
                None => errors.push(&expr, texts::not_a_version(&key::text(&expr))),
            },
            ("upgrade", Written::Value(expr)) => match *expr {
                Expr::Path(path) => {
                    upgrade = Some((option.clone(), path));
                    return true;
                }
                other => errors.push(other, texts::UPGRADE_NOT_A_PATH),
            },
            ("version" | "upgrade", _) => errors.push(option, texts::malformed("value")),
            (other, _) => errors.push(option, texts::value_unknown(other)),
        }
        false
    });
    match (version, upgrade) {
        _ if !well => Read::Told,
        (Some(1), Some((word, _))) => {
            errors.push(word, texts::UPGRADE_OF_NOTHING);
            Read::Told
        }
        (Some(version), upgrade) => Read::Value(Value { version, upgrade: upgrade.map(|(_, path)| path) }),
        (None, Some((word, path))) => {
            errors.push(word, texts::upgrade_needs_version(&key::text(&path)));
            Read::Told
        }
        (None, None) => {
            errors.push(name, texts::VALUE_NEEDS_VERSION);
            Read::Told
        }
    }
}

fn number(expr: &Expr) -> Option<u32> {
    let Expr::Lit(literal) = expr else { return None };
    let Lit::Int(number) = &literal.lit else { return None };
    number.base10_parse().ok()
}
