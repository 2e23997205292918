//! The settings of the shop, which rules read and which therefore stand in the log.

use std::fmt;
use std::ops::RangeInclusive;

use serde::Serialize;

use crate::domain::numbered::numbered;
use crate::limits::{DAY_MICROS, ISSUED_MAX};
use crate::time::Timestamp;

numbered! {
    /// A setting. The first six are deadlines: a purchase keeps those under which it was made.
    pub enum Setting("setting") {
        /// Days within which a confirmed purchase is shipped, and a missing one looked for.
        ShipBy = 0 "ship_by",
        /// Days after which a parcel may be reported missing.
        MissingAfter = 1 "missing_after",
        /// Days after which a parcel counts as received.
        DeemedReceived = 2 "deemed_received",
        /// Days after its receipt during which a purchase may be returned.
        ReturnWindow = 3 "return_window",
        /// Days after which a return that nobody decided is approved.
        DecideWithin = 4 "decide_within",
        /// Days within which a return is sent, and received.
        ReturnArrives = 5 "return_arrives",
        /// Minor units that an agent may pay for cards with one signature; 0 for no limit.
        AgentLimit = 6 "agent_limit",
        /// Conversations that an agent may have claimed at a time.
        Capacity = 7 "capacity",
        /// Seconds of silence after which an agent no longer attends a conversation.
        Silence = 8 "silence",
        /// Days after which texts may be erased that nobody needs; 0 for never.
        RetentionDays = 9 "retention_days",
    }
}

impl Setting {
    /// The value that holds until another is said; none of a setting that has to be said when the shop opens.
    pub const fn default_value(self) -> Option<u64> {
        match self {
            Setting::ShipBy | Setting::MissingAfter | Setting::DecideWithin => Some(7),
            Setting::DeemedReceived | Setting::ReturnArrives => Some(30),
            Setting::ReturnWindow => Some(14),
            Setting::AgentLimit => None,
            Setting::Capacity => Some(1),
            Setting::Silence => Some(120),
            Setting::RetentionDays => Some(0),
        }
    }

    /// The values that it may have. Where 0 stands for something of its own, 0 is allowed beside them.
    const fn bounds(self) -> (bool, RangeInclusive<u64>) {
        match self {
            Setting::ShipBy | Setting::MissingAfter | Setting::DecideWithin => (false, 1..=30),
            Setting::DeemedReceived | Setting::ReturnArrives => (false, 7..=90),
            Setting::ReturnWindow => (false, 0..=365),
            Setting::AgentLimit => (true, 1..=ISSUED_MAX),
            Setting::Capacity => (false, 1..=16),
            Setting::Silence => (false, 30..=600),
            Setting::RetentionDays => (true, 30..=36_500),
        }
    }

    /// What its values count, in a sentence.
    const fn unit(self) -> &'static str {
        match self {
            Setting::ShipBy
            | Setting::MissingAfter
            | Setting::DeemedReceived
            | Setting::ReturnWindow
            | Setting::DecideWithin
            | Setting::ReturnArrives
            | Setting::RetentionDays => " days",
            Setting::AgentLimit => " minor units",
            Setting::Silence => " seconds",
            Setting::Capacity => "",
        }
    }

    fn fits(self, value: u64) -> bool {
        let (or_none, bounds) = self.bounds();
        bounds.contains(&value) || (or_none && value == 0)
    }

    const fn place(self) -> usize {
        self as usize
    }
}

/// The values of all settings at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Settings([u64; Setting::ALL.len()]);

/// The settings under which a purchase was made: its deadlines are computed with them, whatever holds for later purchases.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a>(Option<&'a Settings>);

impl<'a> Terms<'a> {
    /// The terms of purchases under these settings, which are there for every purchase of a log that was checked.
    pub(super) fn new(settings: Option<&'a Settings>) -> Terms<'a> {
        Terms(settings)
    }

    /// The moment that is as many days after another as a setting says.
    pub fn after(&self, moment: Timestamp, days: Setting) -> Timestamp {
        let days = self.0.map_or(0, |settings| settings.get(days));
        moment.plus_micros(days.saturating_mul(DAY_MICROS))
    }
}

/// What is wrong with the settings of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidSetting {
    /// No setting has this number.
    Unknown(u8),
    /// The setting is there more than once.
    Twice(Setting),
    /// The setting has to be said when the shop opens.
    Missing(Setting),
    /// The setting cannot have this value.
    OutOfBounds(Setting, u64),
    /// A parcel would count as received before it may be reported missing.
    MissingTooLate(u64),
}

impl Settings {
    /// The value of a setting.
    pub fn get(&self, setting: Setting) -> u64 {
        self.0.get(setting.place()).copied().unwrap_or_default()
    }

    /// The settings after a command that names some of them. What it does not name keeps its value; where there is none
    /// yet, it has its default.
    ///
    /// # Errors
    /// [`InvalidSetting`], the first.
    pub fn changed(before: Option<&Settings>, named: &[(u8, u64)]) -> Result<Settings, InvalidSetting> {
        let mut values = Setting::ALL.iter().map(|setting| match before {
            Some(before) => Some(before.get(*setting)),
            None => setting.default_value(),
        });
        let mut values: [Option<u64>; Setting::ALL.len()] = std::array::from_fn(|_| values.next().flatten());
        for (place, (number, value)) in named.iter().enumerate() {
            let setting = Setting::try_from(*number).map_err(|_| InvalidSetting::Unknown(*number))?;
            // A setting that was named before stands among those before.
            if named.iter().take(place).any(|(other, _)| other == number) {
                return Err(InvalidSetting::Twice(setting));
            }
            if !setting.fits(*value) {
                return Err(InvalidSetting::OutOfBounds(setting, *value));
            }
            if let Some(held) = values.get_mut(setting.place()) {
                *held = Some(*value);
            }
        }
        let mut settings = Settings([0; Setting::ALL.len()]);
        for ((held, value), setting) in settings.0.iter_mut().zip(values).zip(Setting::ALL) {
            *held = value.ok_or(InvalidSetting::Missing(*setting))?;
        }
        let (missing, received) =
            (settings.get(Setting::MissingAfter), settings.get(Setting::DeemedReceived));
        if missing >= received {
            return Err(InvalidSetting::MissingTooLate(missing));
        }
        Ok(settings)
    }
}

impl InvalidSetting {
    /// The name of the setting that is wrong; its number where no setting has it.
    pub fn setting(self) -> String {
        match self {
            InvalidSetting::Unknown(number) => number.to_string(),
            InvalidSetting::Twice(setting)
            | InvalidSetting::Missing(setting)
            | InvalidSetting::OutOfBounds(setting, _) => setting.name().to_owned(),
            InvalidSetting::MissingTooLate(_) => Setting::MissingAfter.name().to_owned(),
        }
    }

    /// The value that cannot be.
    pub fn value(self) -> Option<u64> {
        match self {
            InvalidSetting::OutOfBounds(_, value) | InvalidSetting::MissingTooLate(value) => Some(value),
            InvalidSetting::Unknown(_) | InvalidSetting::Twice(_) | InvalidSetting::Missing(_) => None,
        }
    }
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidSetting::Unknown(number) => write!(f, "there is no setting {number}"),
            InvalidSetting::Twice(setting) => write!(f, "{setting} is there more than once"),
            InvalidSetting::Missing(setting) => {
                write!(f, "{setting} has to be said when the shop opens for the first time")
            }
            InvalidSetting::OutOfBounds(setting, value) => {
                let (or_none, bounds) = setting.bounds();
                let none = if or_none { "0, or " } else { "" };
                let (least, most, unit) = (bounds.start(), bounds.end(), setting.unit());
                write!(f, "{setting} is {none}{least} to {most}{unit}, not {value}")
            }
            InvalidSetting::MissingTooLate(missing) => write!(
                f,
                "missing_after is below deemed_received: after {missing} days nobody could report a parcel missing any more"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_has_its_default_at_first_and_keeps_its_value_later() {
        let first = Settings::changed(None, &[(6, 0)]).unwrap();
        let defaults = [7, 7, 30, 14, 7, 30, 0, 1, 120, 0];
        assert!(Setting::ALL.iter().map(|setting| first.get(*setting)).eq(defaults));
        let second = Settings::changed(Some(&first), &[(9, 36_500), (0, 30)]).unwrap();
        let changed = [30, 7, 30, 14, 7, 30, 0, 1, 120, 36_500];
        assert!(Setting::ALL.iter().map(|setting| second.get(*setting)).eq(changed));
        assert_eq!(Settings::changed(Some(&second), &[]), Ok(second));
    }

    #[test]
    fn every_bound_is_kept_at_both_ends_and_only_some_settings_may_be_none() {
        let open = Settings::changed(None, &[(6, 0), (1, 1)]).unwrap();
        for setting in Setting::ALL {
            let (or_none, bounds) = setting.bounds();
            let (least, most) = (*bounds.start(), *bounds.end());
            let number = u8::from(*setting);
            for (value, fits) in [(least, true), (most, true), (most + 1, false), (0, or_none || least == 0)]
            {
                // A parcel is deemed received after it may be missing.
                let other = if *setting == Setting::MissingAfter { vec![(2, 90)] } else { Vec::new() };
                let named = [&[(number, value)][..], &other].concat();
                let refused = Err(InvalidSetting::OutOfBounds(*setting, value));
                match Settings::changed(Some(&open), &named) {
                    Ok(settings) => assert!(fits && settings.get(*setting) == value, "{setting} {value}"),
                    is => assert!(!fits && is == refused, "{setting} {value}: {is:?}"),
                }
            }
        }
    }

    #[test]
    fn what_is_unknown_doubled_or_not_said_is_refused_by_name() {
        let open = Settings::changed(None, &[(6, 5)]).unwrap();
        for (before, named, refused) in [
            (None, &[][..], InvalidSetting::Missing(Setting::AgentLimit)),
            (None, &[(6, 1), (10, 1)], InvalidSetting::Unknown(10)),
            (Some(&open), &[(0, 1), (0, 1)], InvalidSetting::Twice(Setting::ShipBy)),
            (Some(&open), &[(2, 7)], InvalidSetting::MissingTooLate(7)),
            (Some(&open), &[(1, 30), (2, 30)], InvalidSetting::MissingTooLate(30)),
        ] {
            assert_eq!(Settings::changed(before, named), Err(refused), "{named:?}");
        }
        assert_eq!(InvalidSetting::Unknown(10).setting(), "10");
        let out = InvalidSetting::OutOfBounds(Setting::RetentionDays, 7);
        assert_eq!(out.to_string(), "retention_days is 0, or 30 to 36500 days, not 7");
    }
}
