//! The forms in which an argument is written, whatever it is called.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::{Expr, Token, ext::IdentExt as _, parse::ParseStream};

use crate::{errors::Errors, key, slot::Slot, texts};

/// How an argument was written, before anybody asked what it means.
pub(super) enum Written {
    Alone,
    Value(Box<Expr>),
    List(TokenStream),
    Unreadable,
}

/// What came of reading a value.
pub(super) enum Read<T> {
    Value(T),
    /// Written in a form that this argument does not have.
    Malformed,
    /// Wrong, and already said.
    Told,
}

pub(super) fn read_form(input: ParseStream<'_>) -> Written {
    if input.peek(Token![=]) {
        let read = || -> syn::Result<Expr> {
            input.parse::<Token![=]>()?;
            input.parse()
        };
        match read() {
            // What a `macro_rules!` passes on comes in a group that nobody sees.
            Ok(expr) => Written::Value(Box::new(key::bare(expr))),
            Err(_) => {
                skip_to_comma(input);
                Written::Unreadable
            }
        }
    } else if input.peek(syn::token::Paren) {
        match input.parse() {
            Ok(TokenTree::Group(group)) => Written::List(group.stream()),
            _ => Written::Unreadable,
        }
    } else {
        Written::Alone
    }
}

pub(super) fn fill<T>(
    slot: &mut Slot<T>,
    name: Ident,
    written: Written,
    errors: &Errors,
    read: impl FnOnce(&Ident, Written, &Errors) -> Read<T>,
) {
    let value = match read(&name, written, errors) {
        Read::Value(value) => Some(value),
        Read::Malformed => {
            errors.push(&name, texts::malformed(&name));
            None
        }
        Read::Told => None,
    };
    slot.fill(name, value, errors);
}

/// Reads the options `name`, `name = value` to the end of the list of the argument `whole`. Whether all was well.
pub(super) fn options(
    whole: &str,
    input: ParseStream<'_>,
    errors: &Errors,
    mut take: impl FnMut(&Ident, Written) -> bool,
) -> bool {
    let mut well = true;
    while !input.is_empty() {
        let Ok(option) = input.call(Ident::parse_any) else {
            if let Some(token) = skip_rest(input) {
                errors.push(token, texts::malformed(whole));
            }
            return false;
        };
        well &= take(&option, read_form(input));
        well &= comma(input, errors);
    }
    well
}

/// Reads the comma before what follows, if anything follows. Whether it is there.
pub(super) fn comma(input: ParseStream<'_>, errors: &Errors) -> bool {
    if input.is_empty() || input.parse::<Token![,]>().is_ok() {
        return true;
    }
    if let Ok(found) = input.fork().parse::<TokenTree>() {
        errors.push(&found, texts::missing_comma(&found.to_string()));
    }
    false
}

/// Passes over tokens up to the next comma and gives back the first of them.
pub(super) fn skip_to_comma(input: ParseStream<'_>) -> Option<TokenTree> {
    let mut first = None;
    while !input.is_empty() && !input.peek(Token![,]) {
        let token: TokenTree = input.parse().ok()?;
        first.get_or_insert(token);
    }
    first
}

/// Passes over everything that is left and gives back the first token.
pub(super) fn skip_rest(input: ParseStream<'_>) -> Option<TokenTree> {
    let rest: TokenStream = input.parse().ok()?;
    rest.into_iter().next()
}
