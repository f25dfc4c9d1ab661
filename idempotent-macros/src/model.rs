//! One operation: what the arguments and the function say together.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, quote};
use syn::{Expr, GenericArgument, GenericParam, Pat, PathArguments, ReceiverKind, Type};

use crate::{
    args::{Args, OnErr},
    function::{Function, Param, only_argument},
    key::{self, KeyExpr},
};

/// The operation as it was written. Rules look at it, and `expand` prints it.
pub(crate) struct Model {
    pub(crate) args: Args,
    pub(crate) function: Function,
    /// The parts of the key, in order.
    pub(crate) key: Vec<Part>,
    /// The arguments of the fingerprint, in order.
    pub(crate) rest: Vec<Ident>,
    /// Type parameters that the recorded value depends on.
    pub(crate) type_params: Vec<Ident>,
    /// Constant parameters that the recorded value depends on.
    pub(crate) const_params: Vec<Ident>,
}

/// One part of the key.
pub(crate) struct Part {
    pub(crate) text: String,
    pub(crate) expr: Expr,
}

impl Model {
    pub(crate) fn build(args: Args, function: Function) -> Self {
        let skipped = args.skip.get().map_or(&[][..], Vec::as_slice);
        let bindings: Vec<&Ident> =
            function.bindings().filter(|name| !skipped.iter().any(|other| key::same(other, name))).collect();
        let key: Vec<Part> = match args.key.get() {
            None => Vec::new(),
            Some(KeyExpr::All(_)) => bindings.iter().map(|name| Part::new(variable(name))).collect(),
            Some(KeyExpr::Parts { parts, .. }) => parts.iter().cloned().map(Part::new).collect(),
        };
        let rest = bindings
            .into_iter()
            .filter(|name| {
                !key.iter().any(|part| {
                    whole_argument(&function, &part.expr).is_some_and(|other| key::same(other, name))
                })
            })
            .cloned()
            .collect();
        let (type_params, const_params) =
            generics_of_value(&function, matches!(args.on_err.get(), Some(OnErr::Store(_))));
        Self { args, function, key, rest, type_params, const_params }
    }

    /// Whether an argument takes part in the key or the fingerprint as a whole.
    pub(crate) fn counts(&self, name: &Ident) -> bool {
        !self.args.skip.get().is_some_and(|skipped| skipped.iter().any(|other| key::same(other, name)))
    }

    /// Whether the operation uses an argument, even where the body does not.
    pub(crate) fn uses(&self, name: &Ident) -> bool {
        let in_expr = |expr: &Expr| key::names_any(expr.to_token_stream(), &[name]);
        self.counts(name)
            || self.args.check.get().is_some()
            || self.args.store.get().is_some_and(in_expr)
            || self.key.iter().any(|part| in_expr(&part.expr))
    }
}

impl Part {
    fn new(expr: Expr) -> Self {
        Self { text: key::text(&expr), expr }
    }
}

/// The argument that a part of the key is the whole of: `id`, `&id`, and `*id` where `*` visibly hides nothing. What a
/// `Deref` of the user's gives can be less than the argument.
pub(crate) fn whole_argument<'a>(function: &Function, part: &'a Expr) -> Option<&'a Ident> {
    let bare = key::bare_argument(part)?;
    if bare.deepest == 0 {
        return Some(bare.name);
    }
    let is_it = |param: &&Param| matches!(&param.pat, Pat::Ident(pat) if key::same(&pat.ident, bare.name));
    let mut ty = &function.params.iter().find(is_it)?.ty;
    for _ in 0..bare.deepest {
        ty = pointed_at(ty)?;
    }
    Some(bare.name)
}

/// `T` of `&T`, `Box<T>` and the like.
fn pointed_at(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Reference(reference) => Some(&reference.elem),
        Type::Paren(paren) => pointed_at(&paren.elem),
        Type::Group(group) => pointed_at(&group.elem),
        _ => ["Box", "Rc", "Arc", "Cow"].iter().find_map(|name| only_argument(ty, name)),
    }
}

fn variable(name: &Ident) -> Expr {
    syn::parse_quote!(#name)
}

/// The type parameters and the constants of the function that occur in what is recorded.
fn generics_of_value(function: &Function, stores_errors: bool) -> (Vec<Ident>, Vec<Ident>) {
    let (mut types, mut constants) = (Vec::new(), Vec::new());
    let Some(output) = &function.output else { return (types, constants) };
    let recorded = if stores_errors { output } else { ok_type(output) };
    let used = key::idents(recorded.to_token_stream());
    for param in &function.sig.generics.params {
        match param {
            GenericParam::Type(param) if used.contains(&param.ident) => types.push(param.ident.clone()),
            GenericParam::Const(param) if used.contains(&param.ident) => constants.push(param.ident.clone()),
            _ => {}
        }
    }
    (types, constants)
}

/// `T` of `Result<T, E>` as far as it can be seen; the whole type behind an alias.
pub(crate) fn ok_type(output: &Type) -> &Type {
    let Type::Path(path) = output else { return output };
    let Some(last) = path.path.segments.last() else { return output };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return output };
    let first = arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    if last.ident == "Result" { first.unwrap_or(output) } else { output }
}

/// The argument put together again from its pattern, for `check`, which gets the same arguments.
/// `None` where the pattern has forgotten something.
pub(crate) fn rebuilt(param: &Param) -> Option<TokenStream> {
    value(&param.pat, Some(&param.ty))
}

fn value(pat: &Pat, ty: Option<&Type>) -> Option<TokenStream> {
    match pat {
        Pat::Ident(ident) if ident.by_ref.is_none() && ident.subpat.is_none() => {
            let name = &ident.ident;
            let span = name.span().resolved_at(proc_macro2::Span::mixed_site());
            Some(match ty {
                Some(Type::Reference(reference)) if reference.mutability.is_some() => quote!(&mut *#name),
                Some(Type::Reference(_)) => quote!(#name),
                _ => quote::quote_spanned!(span=> ::core::clone::Clone::clone(&#name)),
            })
        }
        Pat::Paren(paren) => value(&paren.pat, ty),
        Pat::Tuple(tuple) => {
            let types = match ty {
                Some(Type::Tuple(types)) if types.elems.len() == tuple.elems.len() => Some(&types.elems),
                _ => None,
            };
            let parts = tuple
                .elems
                .iter()
                .enumerate()
                .map(|(at, elem)| value(elem, types.map(|types| &types[at])))
                .collect::<Option<Vec<_>>>()?;
            Some(quote!((#(#parts,)*)))
        }
        Pat::TupleStruct(tuple) => {
            let path = &tuple.path;
            let parts = tuple.elems.iter().map(|elem| value(elem, None)).collect::<Option<Vec<_>>>()?;
            Some(quote!(#path(#(#parts),*)))
        }
        Pat::Struct(fields) if fields.rest.is_none() => {
            let path = &fields.path;
            let parts = fields
                .fields
                .iter()
                .map(|field| {
                    let member = &field.member;
                    value(&field.pat, None).map(|value| quote!(#member: #value))
                })
                .collect::<Option<Vec<_>>>()?;
            Some(quote!(#path { #(#parts),* }))
        }
        _ => None,
    }
}

/// The receiver as an argument of `check`.
pub(crate) fn receiver_value(function: &Function) -> Option<TokenStream> {
    let receiver = function.sig.receiver()?;
    let this = match &function.form {
        crate::function::Form::Boxed { receiver: Some(name), .. } => name.to_token_stream(),
        _ => receiver.self_token.to_token_stream(),
    };
    let span = receiver.self_token.span.resolved_at(proc_macro2::Span::mixed_site());
    Some(match &receiver.kind {
        ReceiverKind::Reference(_, _, Some(_)) => quote!(&mut *#this),
        ReceiverKind::Reference(_, _, None) => this,
        _ => quote::quote_spanned!(span=> ::core::clone::Clone::clone(&#this)),
    })
}
