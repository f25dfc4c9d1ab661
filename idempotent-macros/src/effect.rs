//! Finds `effect!(..)` in the body and tells it where it stands.
//!
//! The attribute does not replace the macro: it puts a few tokens at the head of its arguments. So the
//! macro stays one that editors know, that is imported, and that explains itself outside the attribute.

use proc_macro2::{Group, Ident, Spacing, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::{
    Block, ExprAsync, ExprClosure, Item, Macro,
    visit::{self, Visit},
};

use crate::{errors::Errors, texts};

/// Where an `effect!` stands, and so how it can end the call when its mark is refused.
#[derive(Clone, Copy)]
enum Mode {
    /// In the body: it may return.
    Return,
    /// In a block or closure of another type: it stops the attempt.
    Stop,
}

/// The markers of a body, in the order in which they were written.
pub(crate) struct Markers {
    modes: Vec<Mode>,
    is_async: bool,
}

impl Markers {
    /// Looks for markers. Those that stand where they cannot work are reported.
    pub(crate) fn find(body: &Group, is_async: bool, errors: &Errors) -> Self {
        let mut markers = Self { modes: Vec::new(), is_async };
        if calls_of_effect(body.stream()).is_empty() {
            return markers;
        }
        match syn::parse2::<Block>(body.to_token_stream()) {
            Ok(block) => {
                let mut finder = Finder { is_async, inside: Inside::Body, modes: &mut markers.modes, errors };
                finder.visit_block(&block);
            }
            Err(error) => errors.keep(syn::Error::new(error.span(), texts::effect_unreadable(&error))),
        }
        markers
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.modes.is_empty()
    }

    /// The body with each marker told its mode and the name of the claim.
    pub(crate) fn place(&self, body: &Group, claim: &Ident) -> TokenStream {
        let mut modes = self.modes.iter();
        each_effect(body.to_token_stream(), &mut |arguments| {
            let mode = match (modes.next(), self.is_async) {
                (Some(Mode::Stop), true) => quote!(@stop_async),
                (Some(Mode::Stop), false) => quote!(@stop),
                (_, true) => quote!(@return_async),
                (_, false) => quote!(@return),
            };
            quote!(#mode #claim; #arguments)
        })
    }
}

/// The body with each marker made to do nothing, for a function that is emitted beside its errors.
pub(crate) fn unmarked(body: TokenStream) -> TokenStream {
    each_effect(body, &mut |arguments| {
        let arguments = unmarked(arguments);
        quote!(@plain; #arguments)
    })
}

/// Gives the arguments of each `effect!(..)` to `change`, in order.
fn each_effect(tokens: TokenStream, change: &mut dyn FnMut(TokenStream) -> TokenStream) -> TokenStream {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let marked: Vec<bool> = (0..tokens.len()).map(|at| at >= 2 && is_effect(&tokens[at - 2..=at])).collect();
    tokens
        .into_iter()
        .zip(marked)
        .map(|(token, marked)| match token {
            TokenTree::Group(group) => {
                let stream =
                    if marked { change(group.stream()) } else { each_effect(group.stream(), change) };
                let mut changed = Group::new(group.delimiter(), stream);
                changed.set_span(group.span());
                TokenTree::Group(changed)
            }
            other => other,
        })
        .collect()
}

/// `effect`, `!`, `(..)`.
fn is_effect(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [TokenTree::Ident(name), TokenTree::Punct(bang), TokenTree::Group(_)]
        if name == "effect" && bang.as_char() == '!' && bang.spacing() == Spacing::Alone)
}

/// The word `effect` of each call, at any depth.
fn calls_of_effect(tokens: TokenStream) -> Vec<Ident> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(name) if tokens.get(at..at + 3).is_some_and(is_effect) => {
                found.push(name.clone())
            }
            TokenTree::Group(group) => found.extend(calls_of_effect(group.stream())),
            _ => {}
        }
    }
    found
}

/// The innermost thing that has its own way to end.
#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Body,
    Async,
    Closure,
    Item,
}

struct Finder<'a> {
    is_async: bool,
    inside: Inside,
    modes: &'a mut Vec<Mode>,
    errors: &'a Errors,
}

impl Finder<'_> {
    fn within(&mut self, inside: Inside, look: impl FnOnce(&mut Self)) {
        let outside = self.inside;
        self.inside = match outside {
            // An item, or a future that nobody here may block, stays one however deep.
            Inside::Item => Inside::Item,
            Inside::Async if !self.is_async => Inside::Async,
            _ => inside,
        };
        look(self);
        self.inside = outside;
    }

    fn effect(&mut self, node: &Macro) {
        let Some(name) = node.path.segments.last().map(|segment| &segment.ident) else { return };
        if node.tokens.is_empty() {
            self.errors.push(name, texts::EFFECT_EMPTY);
        }
        for inner in calls_of_effect(node.tokens.clone()) {
            self.errors.push(inner, texts::EFFECT_NESTED);
        }
        let mode = match (self.inside, self.is_async) {
            (Inside::Body, _) => Mode::Return,
            (Inside::Async, true) | (Inside::Closure, false) => Mode::Stop,
            (Inside::Async, false) => return self.errors.push(name, texts::EFFECT_IN_ASYNC),
            (Inside::Closure, true) => return self.errors.push(name, texts::EFFECT_IN_CLOSURE),
            (Inside::Item, _) => return self.errors.push(name, texts::EFFECT_IN_ITEM),
        };
        self.modes.push(mode);
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_macro(&mut self, node: &'ast Macro) {
        if node.path.segments.last().is_some_and(|last| last.ident == "effect") {
            return self.effect(node);
        }
        for name in calls_of_effect(node.tokens.clone()) {
            self.errors.push(name, texts::EFFECT_IN_MACRO);
        }
    }

    fn visit_expr_async(&mut self, node: &'ast ExprAsync) {
        self.within(Inside::Async, |this| visit::visit_expr_async(this, node));
    }

    fn visit_expr_closure(&mut self, node: &'ast ExprClosure) {
        let inside = if node.asyncness.is_some() { Inside::Async } else { Inside::Closure };
        self.within(inside, |this| visit::visit_expr_closure(this, node));
    }

    fn visit_item(&mut self, node: &'ast Item) {
        self.within(Inside::Item, |this| visit::visit_item(this, node));
    }

    fn visit_expr_const(&mut self, node: &'ast syn::ExprConst) {
        self.within(Inside::Item, |this| visit::visit_expr_const(this, node));
    }
}
