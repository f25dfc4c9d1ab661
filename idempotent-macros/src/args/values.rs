//! The arguments that are one value: `key = ..`, `name = ".."`, `keep = "30d"` and their like.

use proc_macro2::Ident;
use syn::{Expr, ExprPath, Lit, LitStr};

use super::{
    Keep, OnErr,
    duration::duration,
    form::{Read, Written},
};
use crate::{
    errors::Errors,
    key::{self, KeyExpr},
    texts,
};

pub(super) fn as_key(_: &Ident, written: Written, errors: &Errors) -> Read<KeyExpr> {
    let Written::Value(expr) = written else { return Read::Malformed };
    key::split(*expr, errors).map_or(Read::Told, Read::Value)
}

pub(super) fn as_name(_: &Ident, written: Written, errors: &Errors) -> Read<LitStr> {
    let Some(text) = text_of(&written) else { return Read::Malformed };
    if text.value().trim().is_empty() {
        errors.push(text, texts::EMPTY_NAME);
        return Read::Told;
    }
    Read::Value(text)
}

pub(super) fn text_of(written: &Written) -> Option<LitStr> {
    let Written::Value(expr) = written else { return None };
    match &**expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn as_on_err(_: &Ident, written: Written, _: &Errors) -> Read<OnErr> {
    let Written::Value(expr) = written else { return Read::Malformed };
    match as_path(*expr) {
        Read::Value(path) => Read::Value(match path.path.get_ident() {
            Some(word) if word == "release" => OnErr::Release(word.clone()),
            Some(word) if word == "store" => OnErr::Store(word.clone()),
            _ => OnErr::With(Box::new(path)),
        }),
        Read::Malformed => Read::Malformed,
        Read::Told => Read::Told,
    }
}

pub(super) fn as_keep(_: &Ident, written: Written, errors: &Errors) -> Read<Keep> {
    let Written::Value(expr) = written else { return Read::Malformed };
    if let Expr::Path(path) = &*expr
        && path.path.is_ident("forever")
    {
        return Read::Value(Keep::Forever);
    }
    match duration("keep", &expr, errors) {
        Read::Value(0) => {
            errors.push(expr, texts::KEEP_NOTHING);
            Read::Told
        }
        Read::Value(micros) => Read::Value(Keep::Micros(micros)),
        Read::Malformed => Read::Malformed,
        Read::Told => Read::Told,
    }
}

pub(super) fn as_wait(_: &Ident, written: Written, errors: &Errors) -> Read<u64> {
    match written {
        Written::Value(expr) => duration("wait", &expr, errors),
        _ => Read::Malformed,
    }
}

pub(super) fn as_only_path(_: &Ident, written: Written, _: &Errors) -> Read<ExprPath> {
    match written {
        Written::Value(expr) => as_path(*expr),
        _ => Read::Malformed,
    }
}

pub(super) fn as_scope(_: &Ident, written: Written, errors: &Errors) -> Read<Expr> {
    if let Some(text) = text_of(&written)
        && text.value().contains(['{', '}'])
    {
        errors.push(&text, texts::scope_format(&key::text(&text)));
        return Read::Told;
    }
    match written {
        Written::Value(expr) => Read::Value(*expr),
        _ => Read::Malformed,
    }
}

pub(super) fn as_expr(_: &Ident, written: Written, _: &Errors) -> Read<Expr> {
    match written {
        Written::Value(expr) => Read::Value(*expr),
        _ => Read::Malformed,
    }
}

pub(super) fn as_flag(_: &Ident, written: Written, _: &Errors) -> Read<()> {
    match written {
        Written::Alone => Read::Value(()),
        _ => Read::Malformed,
    }
}

fn as_path(expr: Expr) -> Read<ExprPath> {
    match expr {
        Expr::Path(path) => Read::Value(path),
        _ => Read::Malformed,
    }
}
