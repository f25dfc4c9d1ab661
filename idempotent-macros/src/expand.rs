//! The operation as Rust. Nothing here can fail: what is wrong was found before.
//!
//! Expanded code names only `::idempotent::__private` (or where `crate = ..` says that it is) and `::core`. Its locals have names of their own
//! hygiene, the user's tokens keep their places, and methods are called on types of ours by value, where
//! no trait of the user's can come first.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, Type, ext::IdentExt as _, spanned::Spanned as _};

use crate::{
    args::{Keep, OnErr},
    effect::Markers,
    function::{Form, Function, replace_self},
    key::{self, PartExpr},
    lock,
    model::{self, Model},
    template::{Piece, Template},
};

/// The function that stands where the annotated one stood.
pub(crate) fn expand(model: &Model, markers: &Markers) -> TokenStream {
    let Function { attrs, vis, defaultness, sig, form, output, .. } = &model.function;
    let Some(output) = output else { return TokenStream::new() };
    let operation = operation(model, markers);
    let run = run(model, markers, output);
    let body = match form {
        Form::Sync | Form::Async => quote_spanned!(mixed()=> { #operation #run }),
        Form::Boxed { pin, prelude, .. } => {
            quote_spanned!(mixed()=> { #operation #pin(async move { #(#prelude)* #run }) })
        }
    };
    quote!(#(#attrs)* #vis #defaultness #sig #body)
}

fn mixed() -> Span {
    Span::mixed_site()
}

/// The place of the user's tokens with our own names.
fn at(tokens: impl ToTokens) -> Span {
    tokens.span().resolved_at(mixed())
}

fn local(name: &str) -> Ident {
    local_at(name, mixed())
}

fn local_at(name: &str, place: Span) -> Ident {
    Ident::new(&format!("__idempotent_{name}"), place)
}

/// The static description of the operation.
fn operation(model: &Model, markers: &Markers) -> TokenStream {
    let function = model.function.sig.ident.unraw().to_string();
    let name = match model.args.name.get() {
        Some(name) => name.to_token_stream(),
        None => quote_spanned!(mixed()=> ::core::concat!(::core::module_path!(), "::", #function)),
    };
    let mut options = TokenStream::new();
    if !markers.is_empty() {
        options.extend(quote_spanned!(mixed()=> .marker()));
    }
    if model.args.rerun.written().is_some() {
        options.extend(quote_spanned!(mixed()=> .rerun()));
    }
    if let Some(check) = model.args.check.get() {
        let after = check.after_micros;
        options.extend(quote_spanned!(mixed()=> .check_after_micros(#after)));
        if check.first {
            options.extend(quote_spanned!(mixed()=> .check_first()));
        }
    }
    if let Some(wait) = model.args.wait.get() {
        options.extend(quote_spanned!(mixed()=> .wait_micros(#wait)));
    }
    if let Some(Keep::Micros(keep)) = model.args.keep.get() {
        options.extend(quote_spanned!(mixed()=> .keep_micros(#keep)));
    }
    let lines = lock::lines(model);
    if let Some(value) = model.args.value.get() {
        let version = value.version;
        options.extend(quote_spanned!(mixed()=> .version(#version)));
    }
    let (import, private) = (model.import(), model.private(mixed()));
    quote_spanned! {mixed()=>
        #import
        static __IDEMPOTENT_OPERATION: #private::Operation =
            #private::Operation::new(#name).sole() #options;
        #private::locked! { __IDEMPOTENT_OPERATION #lines }
    }
}

/// The call: key, arguments and where it is recorded. Statements of their own, so that a guard in the
/// key expression is gone before anything is waited for.
fn call(model: &Model, output: &Type) -> TokenStream {
    let this = |tokens: TokenStream| match &model.function.form {
        Form::Boxed { receiver: Some(name), .. } => replace_self(tokens, name),
        _ => tokens,
    };
    let private = model.private(mixed());
    let mut call = match model.args.scope.get() {
        None => quote_spanned!(mixed()=> #private::Operation::call(&__IDEMPOTENT_OPERATION)),
        Some(scope) => {
            let [private, value] = [model.private(at(scope)), this(reference(scope))];
            quote_spanned!(at(scope)=> #private::Operation::call_in(&__IDEMPOTENT_OPERATION, #value))
        }
    };
    for part in &model.key {
        let text = &part.text;
        call.extend(match &part.value {
            PartExpr::Format(template) => {
                let pieces = this(pieces(model, template));
                quote_spanned!(at(&template.literal)=> .key_format(&[#pieces]))
            }
            PartExpr::Value(expr) => {
                let value = this(reference(expr));
                if model.is_secret(expr) {
                    quote_spanned!(at(expr)=> .secret_key(#text, #value))
                } else {
                    quote_spanned!(at(expr)=> .key(#text, #value))
                }
            }
        });
    }
    for name in &model.type_params {
        call.extend(quote_spanned!(mixed()=> .generic::<#name>()));
    }
    for name in &model.const_params {
        let text = name.to_string();
        call.extend(quote_spanned!(at(name)=> .constant(#text, &#name)));
    }
    for name in &model.rest {
        let text = name.unraw().to_string();
        call.extend(if model.secrets().iter().any(|secret| key::same(secret, name)) {
            quote_spanned!(at(name)=> .secret_rest(#text, &#name))
        } else {
            quote_spanned!(at(name)=> .rest(#text, &#name))
        });
    }
    if let Some(store) = model.args.store.get() {
        let value = this(reference(store));
        call.extend(quote_spanned!(at(store)=> .store(#value)));
    }
    match model.args.map_err.get() {
        Some(path) => call.extend(quote_spanned!(at(path)=> .result_with::<#output>(#path))),
        None => call.extend(quote_spanned!(at(output)=> .result::<#output>())),
    }
    let name = local("call");
    let allowed = underscores(model);
    let mut statements = quote_spanned! {mixed()=>
        #allowed
        let #name = #call;
        let __idempotent_text = #name.__idempotent_probe().__idempotent_error_text();
        let #name = #name.error_text(__idempotent_text);
    };
    statements.extend(match model.args.on_err.get() {
        None => None,
        Some(OnErr::Release(word)) => Some(on_err(model, word, "on_err_release")),
        Some(OnErr::Store(word)) => Some(on_err(model, word, "on_err_store")),
        Some(OnErr::With(path)) => {
            let place = at(path);
            let here = local_at("call", place);
            let private = model.private(place);
            Some(quote_spanned! {place=>
                let __idempotent_codec = #here.__idempotent_probe().__idempotent_error_codec();
                let #name = #private::Call::on_err_with(#here, #path, __idempotent_codec);
            })
        }
    });
    if let Some(path) = model.args.value.get().and_then(|value| value.upgrade.as_ref()) {
        let place = at(path);
        let private = model.private(place);
        let here = local_at("call", place);
        statements.extend(quote_spanned! {place=>
            let #name = #private::Call::upgrade(#here, |__idempotent_from, __idempotent_stored| {
                #private::upgraded(#path, __idempotent_from, __idempotent_stored)
            });
        });
    }
    statements
}

/// `on_err = release` and `on_err = store`, told on that word.
fn on_err(model: &Model, word: &Ident, method: &str) -> TokenStream {
    let place = at(word);
    let [name, method] = [local_at("call", place), Ident::new(method, place)];
    let private = model.private(place);
    quote_spanned!(place=> let #name = #private::Call::#method(#name);)
}

/// A format string as its texts and holes. All of it stands at the place of the string.
fn pieces(model: &Model, template: &Template) -> TokenStream {
    let place = at(&template.literal);
    let private = model.private(place);
    let pieces = template.pieces.iter().map(|piece| match piece {
        Piece::Text(text) => quote_spanned!(place=> #private::Piece::text(#text)),
        Piece::Hole(hole) => {
            let [text, value] = [hole.text.to_token_stream(), reference(&hole.expr)];
            if model.is_secret(&hole.expr) {
                quote_spanned!(place=> #private::Piece::secret(#text, #value))
            } else {
                quote_spanned!(place=> #private::Piece::hole(#text, #value))
            }
        }
    });
    quote_spanned!(place=> #(#pieces),*)
}

/// An argument called `_name` is used by the expansion, which is not what the lint is after.
fn underscores(model: &Model) -> Option<TokenStream> {
    let any = model.function.bindings().any(|name| name.to_string().starts_with('_'));
    any.then(|| quote_spanned!(mixed()=> #[allow(clippy::used_underscore_binding)]))
}

/// `&expr`, with parentheses only where they are needed.
fn reference(expr: &Expr) -> TokenStream {
    let and_token = syn::Token![&](at(expr));
    syn::ExprReference { attrs: Vec::new(), and_token, mutability: None, expr: Box::new(expr.clone()) }
        .into_token_stream()
}

/// Claims, runs the body when it is this call's turn, and settles.
fn run(model: &Model, markers: &Markers, output: &Type) -> TokenStream {
    let is_async = model.function.is_async();
    // All of it stands at the place of the type: where that is no `Result`, the compiler sees one mistake.
    let place = at(output);
    let [claim, out] = ["claim", "out"].map(|name| local_at(name, place));
    let call = call(model, output);
    let body = markers.place(&model.function.body, &claim);
    // A body of one line stands in braces of its own here, which rustc would have the user take away.
    let body = quote!(#[allow(unused_braces, reason = "the braces of the function")] #body);
    let rebinds = rebinds(model);
    let next = next(model, place);
    let private = model.private(place);
    // Never taken: it fixes the type, so that the user's mistakes are told on his own tokens.
    let typed = quote_spanned! {place=>
        if let ::core::option::Option::Some(__idempotent_out) = ::core::option::Option::None::<#output> {
            return __idempotent_out;
        }
    };
    let (run, settle) = if is_async {
        (
            quote_spanned! {place=>
                #private::Claim::run(&#claim, {
                    let #claim = &#claim;
                    async move {
                        #typed
                        #rebinds
                        #body
                    }
                })
                .await
            },
            quote_spanned!(place=> #private::Claim::settle(#claim, #out).await),
        )
    } else {
        (
            quote_spanned! {place=>
                #private::Claim::run_blocking(&#claim, {
                    let #claim = &#claim;
                    move || {
                        #typed
                        #rebinds
                        #body
                    }
                })
            },
            quote_spanned!(place=> #private::Claim::settle_blocking(#claim, #out)),
        )
    };
    quote_spanned! {place=>
        #call
        match #next {
            #private::Next::Answer(#out) => #out,
            #private::Next::Run(#claim) => {
                let #out = #run;
                #settle
            }
        }
    }
}

/// The arguments that the body names, bound anew inside the body's block or closure.
///
/// There the compiler's messages and lints speak of them as of arguments, and not of captured variables, about
/// which some lints are wrong (`mut`). What the attribute uses is no unused variable.
fn rebinds(model: &Model) -> TokenStream {
    let mut rebinds = TokenStream::new();
    for name in model.function.bindings() {
        let mutability =
            model.function.mutable.iter().find(|(known, _)| known == name).map(|(_, token)| token);
        if mutability.is_none() && !key::names_any(model.function.body.stream(), &[name]) {
            continue;
        }
        let used = model.uses(name).then(|| quote_spanned!(mixed()=> unused_variables,));
        let underscore = name
            .to_string()
            .starts_with('_')
            .then(|| quote_spanned!(mixed()=> clippy::used_underscore_binding,));
        rebinds.extend(quote_spanned! {mixed()=>
            #[allow(#used #underscore clippy::redundant_locals)]
            let #mutability #name = #name;
        });
    }
    rebinds
}

/// What this call is to do: answer, or run the body.
fn next(model: &Model, place: Span) -> TokenStream {
    let is_async = model.function.is_async();
    let call = local_at("call", place);
    let Some(check) = model.args.check.get() else {
        return if is_async {
            quote_spanned!(place=> #call.claim().await)
        } else {
            quote_spanned!(place=> #call.claim_blocking())
        };
    };
    let path = &check.path;
    let private = model.private(place);
    let here = at(path);
    let [claimed, next] = ["claimed", "next"].map(|name| local_at(name, place));
    let [asking, answer] = ["asking", "answer"].map(|name| local_at(name, here));
    let arguments: Vec<TokenStream> = model::receiver_value(&model.function)
        .into_iter()
        .chain(model.function.params.iter().filter_map(model::rebuilt))
        .collect();
    let allowed = underscores(model);
    let (claim, ask, told) = if is_async {
        // The block owns them, and calls the check: so all of it runs inside of the attempt, and what is `Send` stays so.
        let names: Vec<Ident> = (0..)
            .zip(&arguments)
            .map(|(number, value)| local_at(&format!("argument{number}"), at(value)))
            .collect();
        (
            quote_spanned!(place=> #call.claim_or_check().await),
            quote_spanned! {here=> {
                #(let #names = #arguments;)*
                #asking.ask(async move { #path(#(#names),*).await }).await
            }},
            quote_spanned!(here=> #asking.answer(#answer).await),
        )
    } else {
        let ask = quote_spanned!(here=> || #path(#(#arguments),*));
        (
            quote_spanned!(place=> #call.claim_or_check_blocking()),
            quote_spanned!(here=> #asking.ask_blocking(#ask)),
            quote_spanned!(here=> #asking.answer_blocking(#answer)),
        )
    };
    quote_spanned! {place=>
        {
            let mut #claimed = #claim;
            loop {
                match #claimed {
                    #private::Claimed::Check(#asking) => {
                        #allowed
                        let #answer = #ask;
                        #claimed = #told;
                    }
                    #private::Claimed::Next(#next) => break #next,
                }
            }
        }
    }
}
