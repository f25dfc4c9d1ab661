//! A little clinic whose keys are locked.

use idempotent::{Error, effect, idempotent};
use serde::{Deserialize, Serialize};

/// What is booked.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Appointment {
    /// Its number at the portal.
    pub number: u32,
}

/// Books an appointment.
///
/// # Errors
/// As the attribute says.
#[idempotent(key = (patient_id, date))]
pub fn book(patient_id: &str, date: (u16, u8, u8), note: Option<String>) -> Result<Appointment, Error> {
    effect!(println!("{patient_id} on {date:?}: {note:?}"));
    Ok(Appointment { number: 7 })
}

/// The portal of the clinic.
#[derive(Clone, Debug)]
pub struct Portal {
    /// Its number.
    pub id: u32,
}

impl Portal {
    /// Cancels an appointment.
    ///
    /// # Errors
    /// As the attribute says.
    #[idempotent(key = (self.id, appointment.number), name = "clinic.cancel")]
    pub async fn cancel(&self, appointment: &Appointment) -> Result<(), Error> {
        effect!(println!("{}: {}", self.id, appointment.number));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    /// Red when a key of this crate is made of something else than before.
    #[test]
    fn keys_are_locked() {
        idempotent::testing::assert_keys_locked!("idempotent.lock");
    }
}
