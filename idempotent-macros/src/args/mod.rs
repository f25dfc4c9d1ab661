//! What stands between the brackets: `#[idempotent(key = .., skip(..), ..)]`, read one by one.

mod check;
mod duration;
mod form;
mod names;
mod value;
mod values;

use proc_macro2::{Ident, TokenStream};
use syn::{
    Expr, ExprPath, LitStr, Token,
    ext::IdentExt as _,
    parse::{ParseStream, Parser as _},
};

pub(crate) use self::{check::Check, value::Value};
use self::{
    check::as_check,
    form::{fill, read_form, skip_to_comma},
    names::as_names,
    value::as_value,
    values::{as_expr, as_flag, as_keep, as_key, as_name, as_on_err, as_only_path, as_scope, as_wait},
};
use crate::{errors::Errors, key::KeyExpr, slot::Slot, texts};

/// All arguments of the attribute, each with the tokens it came from.
pub(crate) struct Args {
    pub(crate) key: Slot<KeyExpr>,
    pub(crate) name: Slot<LitStr>,
    pub(crate) skip: Slot<Vec<Ident>>,
    pub(crate) secret: Slot<Vec<Ident>>,
    pub(crate) scope: Slot<Expr>,
    pub(crate) store: Slot<Expr>,
    pub(crate) check: Slot<Check>,
    pub(crate) rerun: Slot<()>,
    pub(crate) on_err: Slot<OnErr>,
    pub(crate) wait: Slot<u64>,
    pub(crate) keep: Slot<Keep>,
    pub(crate) value: Slot<Value>,
    pub(crate) map_err: Slot<ExprPath>,
    /// `crate = ..`.
    pub(crate) krate: Slot<ExprPath>,
}

/// `on_err = ..`.
pub(crate) enum OnErr {
    Release(Ident),
    Store(Ident),
    With(Box<ExprPath>),
}

/// `keep = ..`.
pub(crate) enum Keep {
    Forever,
    Micros(u64),
}

/// Reads the arguments. What cannot be read is reported, and reading goes on after the next comma.
pub(crate) fn parse(tokens: TokenStream, errors: &Errors) -> Args {
    let mut args = Args {
        key: Slot::empty(),
        name: Slot::empty(),
        skip: Slot::empty(),
        secret: Slot::empty(),
        scope: Slot::empty(),
        store: Slot::empty(),
        check: Slot::empty(),
        rerun: Slot::empty(),
        on_err: Slot::empty(),
        wait: Slot::empty(),
        keep: Slot::empty(),
        value: Slot::empty(),
        map_err: Slot::empty(),
        krate: Slot::empty(),
    };
    let read_all = |input: ParseStream<'_>| {
        while !input.is_empty() {
            read_one(input, &mut args, errors);
            if !input.is_empty() && !input.peek(Token![,]) {
                let found = skip_to_comma(input);
                if let Some(found) = found {
                    errors.push(&found, texts::missing_comma(&found.to_string()));
                }
            }
            let _: Option<Token![,]> = input.parse()?;
        }
        Ok(())
    };
    if let Err(error) = read_all.parse2(tokens) {
        errors.keep(error);
    }
    args
}

fn read_one(input: ParseStream<'_>, args: &mut Args, errors: &Errors) {
    let Ok(name) = input.call(Ident::parse_any) else {
        let token = skip_to_comma(input);
        if let Some(token) = token {
            errors.push(token, texts::NOT_AN_ARGUMENT);
        } else {
            errors.keep(input.error(texts::NOT_AN_ARGUMENT));
        }
        return;
    };
    let written = read_form(input);
    match name.to_string().as_str() {
        "key" => fill(&mut args.key, name, written, errors, as_key),
        "name" => fill(&mut args.name, name, written, errors, as_name),
        "skip" => fill(&mut args.skip, name, written, errors, as_names),
        "secret" => fill(&mut args.secret, name, written, errors, as_names),
        "scope" => fill(&mut args.scope, name, written, errors, as_scope),
        "store" => fill(&mut args.store, name, written, errors, as_expr),
        "check" => fill(&mut args.check, name, written, errors, as_check),
        "rerun" => fill(&mut args.rerun, name, written, errors, as_flag),
        "on_err" => fill(&mut args.on_err, name, written, errors, as_on_err),
        "wait" => fill(&mut args.wait, name, written, errors, as_wait),
        "keep" => fill(&mut args.keep, name, written, errors, as_keep),
        "value" => fill(&mut args.value, name, written, errors, as_value),
        "map_err" => fill(&mut args.map_err, name, written, errors, as_only_path),
        "crate" => fill(&mut args.krate, name, written, errors, as_only_path),
        other => {
            let near = texts::nearest(other, texts::arguments());
            let text = texts::not_built(other).unwrap_or_else(|| texts::unknown_argument(other, near));
            errors.push(&name, text);
            // It is there, misspelt: nobody has to say that it is missing.
            if near == Some("key") && args.key.written().is_none() {
                args.key.fill(name, None, errors);
            }
        }
    }
}
