//! The rules about names of arguments: in `key`, `scope`, `skip` and `secret`.

use proc_macro2::Ident;
use quote::ToTokens as _;
use syn::{Expr, ext::IdentExt as _};

use crate::{
    errors::Errors,
    key::{self, KeyExpr, PartExpr},
    model::{self, Model, Part},
    texts,
};

/// Holds the operation against each of them.
pub(super) fn all(model: &Model, errors: &Errors) {
    key_is_written(model, errors);
    key_names_an_argument(model, errors);
    holes_name_arguments(model, errors);
    texts_are_no_floats(model, errors);
    all_is_not_an_argument(model, errors);
    all_takes_something(model, errors);
    scope_is_no_secret(model, errors);
    lists_name_arguments(model, errors);
    skip_and_secret_are_apart(model, errors);
    skip_and_key_are_apart(model, errors);
}

// `key` has no default: only the user knows what identifies a call.
fn key_is_written(model: &Model, errors: &Errors) {
    if model.args.key.written().is_none() {
        let function = &model.function.sig.ident;
        let candidates: Vec<String> = model
            .function
            .params
            .iter()
            .filter(|param| !super::is_uncomparable(model, param))
            .flat_map(|param| &param.bindings)
            .filter(|name| model.counts(name))
            .map(ToString::to_string)
            .collect();
        errors.push(function, texts::key_missing(&function.to_string(), &candidates));
    }
}

// A key that names no argument would make all calls one.
fn key_names_an_argument(model: &Model, errors: &Errors) {
    let Some(KeyExpr::Parts { whole, parts }) = model.args.key.get() else { return };
    let this = Ident::new("self", proc_macro2::Span::call_site());
    let mut names: Vec<&Ident> = model.function.bindings().collect();
    if model.function.sig.receiver().is_some() {
        names.push(&this);
    }
    let names_one = |part: &PartExpr| match part {
        // A hole that names none is told by itself.
        PartExpr::Format(template) => template.holes().next().is_some(),
        PartExpr::Value(expr) => key::names_any(expr.to_token_stream(), &names),
    };
    if parts.iter().any(names_one) {
        return;
    }
    let known = known(model);
    let near = key::idents(whole.to_token_stream())
        .iter()
        .find_map(|ident| texts::nearest(&ident.to_string(), known.iter().map(String::as_str)));
    errors.push(whole, texts::key_names_nothing(&known, near));
}

// `key = all` in a function with an argument `all` could mean either.
fn all_is_not_an_argument(model: &Model, errors: &Errors) {
    if let Some(KeyExpr::All(word)) = model.args.key.get()
        && model.function.bindings().any(|name| key::same(name, word))
    {
        errors.push(word, texts::KEY_ALL_AMBIGUOUS);
    }
}

// `key = all` with nothing left to take would make all calls one.
fn all_takes_something(model: &Model, errors: &Errors) {
    if let Some(KeyExpr::All(word)) = model.args.key.get()
        && model.key.is_empty()
    {
        errors.push(word, texts::KEY_ALL_EMPTY);
    }
}

// A hole of a format string names an argument.
fn holes_name_arguments(model: &Model, errors: &Errors) {
    let Some(KeyExpr::Parts { parts, .. }) = model.args.key.get() else { return };
    for part in parts {
        let PartExpr::Format(template) = part else { continue };
        for hole in template.holes() {
            let is_known = if hole.root == "self" {
                model.function.sig.receiver().is_some()
            } else {
                model.function.bindings().any(|name| key::same(name, &hole.root))
            };
            if !is_known {
                let (known, near) = (known(model), hole.root.unraw().to_string());
                let near = texts::nearest(&near, known.iter().map(String::as_str));
                errors.push(&template.literal, texts::key_hole_unknown(&hole.text, near, &known));
            }
        }
    }
}

// A float has no one text. Where the argument counts by itself, its type says so anyway.
fn texts_are_no_floats(model: &Model, errors: &Errors) {
    let float = |expr: &Expr| -> Option<Ident> {
        let name = key::bare_argument(expr)?.name;
        let param = model::param_of(&model.function, name)?;
        let is_float =
            key::idents(param.ty.to_token_stream()).iter().any(|word| word == "f32" || word == "f64");
        (is_float && !model.counts(name)).then(|| name.clone())
    };
    for part in &model.key {
        let PartExpr::Format(template) = &part.value else { continue };
        for name in template.holes().filter_map(|hole| float(&hole.expr)) {
            errors.push(&template.literal, texts::float_text(&name.to_string(), "a hole of `key`"));
        }
    }
    if let Some(name) = model.args.scope.get().and_then(float) {
        errors.push(model.args.scope.get(), texts::float_text(&name.to_string(), "`scope`"));
    }
}

// The scope stands in a column of its own, for all to read.
fn scope_is_no_secret(model: &Model, errors: &Errors) {
    if let Some(scope) = model.args.scope.get()
        && let Some(secret) =
            model.secrets().iter().find(|secret| key::names_any(scope.to_token_stream(), &[*secret]))
    {
        errors.push(scope, texts::scope_of_secret(&secret.to_string()));
    }
}

// `skip` and `secret` name arguments; the receiver is in neither.
fn lists_name_arguments(model: &Model, errors: &Errors) {
    let lists = [("skip", &model.args.skip), ("secret", &model.args.secret)];
    for (list, names) in lists {
        for name in names.get().into_iter().flatten() {
            if name == "self" {
                errors.push(name, if list == "skip" { texts::SKIP_SELF } else { texts::SECRET_SELF });
            } else if !model.function.bindings().any(|binding| key::same(binding, name)) {
                let known = known(model);
                let near = texts::nearest(&name.to_string(), known.iter().map(String::as_str));
                errors.push(name, texts::stranger(list, &name.to_string(), near));
            }
        }
    }
}

// What is skipped is in no hash, so there is nothing to hide.
fn skip_and_secret_are_apart(model: &Model, errors: &Errors) {
    for name in model.secrets() {
        if !model.counts(name) {
            errors.push(name, texts::secret_skipped(&name.to_string()));
        }
    }
}

// An argument that is the key, or the scope, cannot be skipped.
fn skip_and_key_are_apart(model: &Model, errors: &Errors) {
    let function = &model.function;
    for name in model.args.skip.get().into_iter().flatten() {
        let is_it = |other: &&Ident| key::same(other, name);
        let in_key = |part: &Part| model::whole_arguments(function, &part.value).iter().any(is_it);
        let in_scope = |scope| model::whole_text(function, scope).as_ref().is_some_and(is_it);
        if model.key.iter().any(in_key) {
            errors.push(name, texts::skip_in(&name.to_string(), "key"));
        } else if model.args.scope.get().is_some_and(in_scope) {
            errors.push(name, texts::skip_in(&name.to_string(), "scope"));
        }
    }
}

/// The names of all arguments.
fn known(model: &Model) -> Vec<String> {
    model.function.bindings().map(|name| name.unraw().to_string()).collect()
}
