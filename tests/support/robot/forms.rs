//! The booking in each form in which a user may write it.

use idempotent::{effect, idempotent, observe, observe_async};
use serde::{Deserialize, Serialize};

use super::portal::Unreachable;
use super::{Booked, Place, Robot, Told};

/// The form in which the booking is written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Form {
    /// Nothing but the key.
    Bare,
    /// `effect!` alone.
    Marked,
    /// `check` alone: the effect begins with the claim.
    CheckedUnmarked,
    /// `check` and `effect!`.
    Checked,
    /// `check(.., first)` and `effect!`.
    AsksFirst,
    /// `rerun` alone.
    Rerun,
    /// `rerun` and `effect!`, at a portal that refuses repeats of a request id.
    RequestId,
    /// `on_err = release` and `effect!`.
    Released,
    /// `on_err = store` and `effect!`.
    Stored,
}

impl Form {
    /// All of them.
    pub const ALL: [Form; 9] = [
        Form::Bare,
        Form::Marked,
        Form::CheckedUnmarked,
        Form::Checked,
        Form::AsksFirst,
        Form::Rerun,
        Form::RequestId,
        Form::Released,
        Form::Stored,
    ];

    /// Whether it can find out what an interrupted attempt did.
    pub fn checks(self) -> bool {
        matches!(self, Form::Checked | Form::CheckedUnmarked | Form::AsksFirst)
    }

    /// Whether it announces its effect.
    pub fn marks(self) -> bool {
        !matches!(self, Form::Bare | Form::CheckedUnmarked | Form::Rerun)
    }

    /// Whether it runs again where it may have run.
    pub fn reruns(self) -> bool {
        matches!(self, Form::Rerun | Form::RequestId)
    }

    /// Whether the portal books a repeated request once.
    pub fn is_booked_once(self) -> bool {
        self == Form::RequestId
    }

    /// What the user wrote beside the key.
    pub fn written(self) -> &'static str {
        match self {
            Form::Bare => "nothing",
            Form::Marked => "`effect!`",
            Form::CheckedUnmarked => "`check`",
            Form::Checked => "`effect!` + `check`",
            Form::AsksFirst => "`effect!` + `check`, first",
            Form::Rerun => "`rerun`",
            Form::RequestId => "`effect!` + `rerun`, request id",
            Form::Released => "`effect!` + `on_err = release`",
            Form::Stored => "`effect!` + `on_err = store`",
        }
    }
}

fn find(robot: &Robot, job: &str, _: u32) -> Result<Option<String>, Unreachable> {
    robot.portal.log_question(job);
    robot.points.pass("in the check");
    robot.at(Place::Check).map_err(|_| Unreachable)?;
    Ok(robot.portal.bookings(job).pop())
}

async fn find_async(robot: &Robot, job: &str, payload: u32) -> Result<Option<String>, Unreachable> {
    find(robot, job, payload)
}

/// One form for one kind of caller: a synchronous and an asynchronous function.
macro_rules! form {
    (marked, $form:ident, $now:ident $now_name:tt, $later:ident $later_name:tt, $wait:tt, [$($now_rule:tt)*], [$($later_rule:tt)*]) => {
        #[idempotent(key = job, name = $now_name, skip(robot), store = robot, wait = $wait $($now_rule)*)]
        fn $now(robot: &Robot, job: &str, payload: u32) -> Booked {
            robot.begin(job)?;
            let booked = effect!(robot.act(Form::$form, job)?);
            robot.points.pass("after the effect");
            Ok(booked)
        }

        #[idempotent(key = job, name = $later_name, skip(robot), store = robot, wait = $wait $($later_rule)*)]
        async fn $later(robot: &Robot, job: &str, payload: u32) -> Booked {
            robot.begin(job)?;
            robot.stand(Place::Before).await;
            let booked = effect!({
                robot.stand(Place::In).await;
                robot.act(Form::$form, job)?
            });
            robot.stand(Place::Sent).await;
            robot.points.pass("after the effect");
            Ok(booked)
        }
    };
    (unmarked, $form:ident, $now:ident $now_name:tt, $later:ident $later_name:tt, $wait:tt, [$($now_rule:tt)*], [$($later_rule:tt)*]) => {
        #[idempotent(key = job, name = $now_name, skip(robot), store = robot, wait = $wait $($now_rule)*)]
        fn $now(robot: &Robot, job: &str, payload: u32) -> Booked {
            robot.begin(job)?;
            let booked = robot.act(Form::$form, job)?;
            robot.points.pass("after the effect");
            Ok(booked)
        }

        #[idempotent(key = job, name = $later_name, skip(robot), store = robot, wait = $wait $($later_rule)*)]
        async fn $later(robot: &Robot, job: &str, payload: u32) -> Booked {
            robot.begin(job)?;
            robot.stand(Place::Before).await;
            robot.stand(Place::In).await;
            let booked = robot.act(Form::$form, job)?;
            robot.stand(Place::Sent).await;
            robot.points.pass("after the effect");
            Ok(booked)
        }
    };
}

macro_rules! forms {
    ($set:ident, $wait:tt) => {
        pub(super) mod $set {
            use super::*;

            form!(unmarked, Bare, bare "robot.bare", bare_async "robot.bare_async", $wait, [], []);
            form!(marked, Marked, marked "robot.marked", marked_async "robot.marked_async", $wait, [], []);
            form!(unmarked, CheckedUnmarked, look "robot.look", look_async "robot.look_async", $wait,
                [, check(find, after = "0s")], [, check(find_async, after = "0s")]);
            form!(marked, Checked, checked "robot.checked", checked_async "robot.checked_async", $wait,
                [, check(find, after = "0s")], [, check(find_async, after = "0s")]);
            form!(marked, AsksFirst, first "robot.first", first_async "robot.first_async", $wait,
                [, check(find, after = "0s", first)], [, check(find_async, after = "0s", first)]);
            form!(unmarked, Rerun, rerun "robot.rerun", rerun_async "robot.rerun_async", $wait,
                [, rerun], [, rerun]);
            form!(marked, RequestId, id "robot.id", id_async "robot.id_async", $wait,
                [, rerun], [, rerun]);
            form!(marked, Released, release "robot.release", release_async "robot.release_async", $wait,
                [, on_err = release], [, on_err = release]);
            form!(marked, Stored, store "robot.store", store_async "robot.store_async", $wait,
                [, on_err = store], [, on_err = store]);

            pub(crate) fn call(robot: &Robot, form: Form, job: &str, payload: u32) -> Told {
                Told::of(observe(|| match form {
                    Form::Bare => bare(robot, job, payload),
                    Form::Marked => marked(robot, job, payload),
                    Form::CheckedUnmarked => look(robot, job, payload),
                    Form::Checked => checked(robot, job, payload),
                    Form::AsksFirst => first(robot, job, payload),
                    Form::Rerun => rerun(robot, job, payload),
                    Form::RequestId => id(robot, job, payload),
                    Form::Released => release(robot, job, payload),
                    Form::Stored => store(robot, job, payload),
                }))
            }

            pub(crate) async fn call_async(robot: &Robot, form: Form, job: &str, payload: u32) -> Told {
                Told::of(observe_async(async {
                    match form {
                        Form::Bare => bare_async(robot, job, payload).await,
                        Form::Marked => marked_async(robot, job, payload).await,
                        Form::CheckedUnmarked => look_async(robot, job, payload).await,
                        Form::Checked => checked_async(robot, job, payload).await,
                        Form::AsksFirst => first_async(robot, job, payload).await,
                        Form::Rerun => rerun_async(robot, job, payload).await,
                        Form::RequestId => id_async(robot, job, payload).await,
                        Form::Released => release_async(robot, job, payload).await,
                        Form::Stored => store_async(robot, job, payload).await,
                    }
                })
                .await)
            }
        }
    };
}
forms!(patient, "30s");
forms!(hasty, "0s");
