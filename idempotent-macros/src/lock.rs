//! What the lock file says of the operation: a fact a line, a word and then Rust on one line, for
//! `idempotent::testing` to read. Nothing of it is in a program that is not a test.

use std::fmt::Write as _;

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Expr, GenericParam, Pat, ReceiverKind, ext::IdentExt as _};

use crate::{
    args::OnErr,
    key::{PartExpr, names_any, same, text},
    model::{self, Model},
};

/// The lines, in the order in which they are read again.
pub(crate) fn lines(model: &Model) -> String {
    let mut lines = String::new();
    let mut say = |word: &str, what: &str| {
        // A line break can only stand in a literal. Writing to a string does not fail.
        let _ = writeln!(lines, "{word} {}", what.replace('\n', "\\n").replace('\r', "\\r"));
    };
    if let Some(scope) = model.args.scope.get() {
        say("scope", &text(scope));
    }
    for part in &model.key {
        match &part.value {
            PartExpr::Value(expr) => say("key", &text(expr)),
            PartExpr::Format(template) => say("key", &format!("{:?}", template.literal.value())),
        }
    }
    for name in model.secrets() {
        say("secret", &name.unraw().to_string());
    }
    for name in &model.type_params {
        say("generic", &name.to_string());
    }
    for name in &model.const_params {
        say("generic", &constant(model, name));
    }
    for name in &model.rest {
        say("rest", &name.unraw().to_string());
    }
    for argument in arguments(model) {
        say("argument", &argument);
    }
    if let Some(output) = &model.function.output {
        let may_store_errors = matches!(model.args.on_err.get(), Some(OnErr::Store(_) | OnErr::With(_)));
        let recorded = if may_store_errors { output } else { model::ok_type(output) };
        say("value", &type_text(recorded));
    }
    if let Some(value) = model.args.value.get() {
        say("version", &value.version.to_string());
    }
    lines
}

/// `const N: usize`.
fn constant(model: &Model, name: &Ident) -> String {
    let of_that_name = model.function.sig.generics.params.iter().find_map(|param| match param {
        GenericParam::Const(param) if param.ident == *name => Some(type_text(&param.ty)),
        _ => None,
    });
    format!("const {name}: {}", of_that_name.unwrap_or_default())
}

/// The arguments that the key or the fingerprint is made of, with their types.
fn arguments(model: &Model) -> Vec<String> {
    let counts = |name: &Ident| {
        let named = |expr: &Expr| names_any(expr.to_token_stream(), &[name]);
        model.rest.iter().any(|other| same(other, name))
            || model.args.scope.get().is_some_and(named)
            || model.key.iter().any(|part| match &part.value {
                PartExpr::Value(expr) => named(expr),
                PartExpr::Format(template) => template.holes().any(|hole| same(&hole.root, name)),
            })
    };
    let mut arguments = Vec::new();
    if let Some(receiver) = model.function.sig.receiver()
        && counts(&Ident::new("self", Span::call_site()))
    {
        arguments.push(format!(
            "self: {}",
            match &receiver.kind {
                ReceiverKind::Typed(_, ty) => type_text(ty),
                ReceiverKind::Reference(_, _, Some(_)) => "&mut Self".to_owned(),
                ReceiverKind::Reference(_, _, None) => "&Self".to_owned(),
                _ => "Self".to_owned(),
            }
        ));
    }
    for param in &model.function.params {
        let of = match &param.pat {
            Pat::Ident(pat) if pat.subpat.is_none() => "",
            _ => "part of ",
        };
        for name in param.bindings.iter().filter(|name| counts(name)) {
            arguments.push(format!("{}: {of}{}", name.unraw(), type_text(&param.ty)));
        }
    }
    arguments
}

/// A type without its lifetimes: they never reach a key.
fn type_text(ty: impl ToTokens) -> String {
    text(without_lifetimes(ty.to_token_stream()))
}

fn without_lifetimes(tokens: TokenStream) -> TokenStream {
    let mut out: Vec<TokenTree> = Vec::new();
    let mut tokens = tokens.into_iter();
    let is = |token: Option<&TokenTree>, sign: char| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign);
    while let Some(token) = tokens.next() {
        match token {
            token if is(Some(&token), '\'') => {
                let _its_name = tokens.next();
                if !is(out.last(), '&') {
                    out.extend(quote!('_));
                }
            }
            TokenTree::Group(group) => {
                let inner = without_lifetimes(group.stream());
                out.push(Group::new(group.delimiter(), inner).into());
            }
            other => out.push(other),
        }
    }
    out.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use syn::{Type, parse_str};

    use super::type_text;

    // Fails when a lifetime's name is told, or a type reads unlike Rust.
    #[test]
    fn a_type_reads_as_it_was_written_but_for_lifetimes() {
        for (source, expected) in [
            ("& 'a str", "&str"),
            ("&'life0 mut Vec< Option <u8>>", "&mut Vec<Option<u8>>"),
            ("Cow<'a, [u8; 4]>", "Cow<'_, [u8; 4]>"),
            ("impl Into<String> + 'static", "impl Into<String> + '_"),
            ("(u8, &'a (A, b::C))", "(u8, &(A, b::C))"),
            ("fn(A) -> B", "fn(A) -> B"),
            ("<T as a::Tr>::Id", "<T as a::Tr>::Id"),
        ] {
            assert_eq!(type_text(parse_str::<Type>(source).unwrap()), expected);
        }
    }
}
