//! The closure form: a call and its body in one expression.

use std::fmt::Display;

use super::call::Call;
use super::claim::Claim;
use super::outcome::Returns;
use super::run::{Claimed, Next};

impl<R: Returns> Call<R> {
    /// Runs `body` unless the call has an answer.
    pub async fn run<F>(self, body: F) -> R
    where
        F: AsyncFnOnce(&Claim<R>) -> R,
    {
        finish(self.claim().await, body).await
    }

    /// [`run`](Call::run) for synchronous code.
    pub fn run_blocking(self, body: impl FnOnce(&Claim<R>) -> R) -> R {
        finish_blocking(self.claim_blocking(), body)
    }

    /// Runs `body` unless the call has an answer; where there is doubt, `check` is asked first, and before a first
    /// attempt too if the operation says so. The check sees the [`attempt`](crate::attempt()) that it asks about.
    pub async fn run_or_check<C, E, F>(self, check: C, body: F) -> R
    where
        C: AsyncFn() -> Result<Option<R::Ok>, E>,
        E: Display,
        F: AsyncFnOnce(&Claim<R>) -> R,
    {
        let mut claimed = self.claim_or_check().await;
        loop {
            match claimed {
                Claimed::Check(asking) => {
                    let answer = asking.ask(check()).await;
                    claimed = asking.answer(answer).await;
                }
                Claimed::Next(next) => return finish(next, body).await,
            }
        }
    }

    /// [`run_or_check`](Call::run_or_check) for synchronous code.
    pub fn run_or_check_blocking<E: Display>(
        self,
        check: impl Fn() -> Result<Option<R::Ok>, E>,
        body: impl FnOnce(&Claim<R>) -> R,
    ) -> R {
        let mut claimed = self.claim_or_check_blocking();
        loop {
            match claimed {
                Claimed::Check(asking) => {
                    let answer = asking.ask_blocking(&check);
                    claimed = asking.answer_blocking(answer);
                }
                Claimed::Next(next) => return finish_blocking(next, body),
            }
        }
    }
}

async fn finish<R: Returns>(next: Next<R>, body: impl AsyncFnOnce(&Claim<R>) -> R) -> R {
    match next {
        Next::Answer(out) => out,
        Next::Run(claim) => {
            let ran = claim.run(body(&claim)).await;
            claim.settle(ran).await
        }
    }
}

fn finish_blocking<R: Returns>(next: Next<R>, body: impl FnOnce(&Claim<R>) -> R) -> R {
    match next {
        Next::Answer(out) => out,
        Next::Run(claim) => {
            let ran = claim.run_blocking(|| body(&claim));
            claim.settle_blocking(ran)
        }
    }
}
