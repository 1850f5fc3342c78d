//! Times as people say them. Pure: the moment and the time zone are arguments.

use crate::{
    locale::{Language, Zone},
    texts::{self, Words},
};

/// A moment in the reader's own time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Civil {
    year: i64,
    month: usize,
    day: i64,
    hour: i64,
    minute: i64,
}

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// How long ago, short: `now`, `5 min`, `3 h`, `2 d`, `7 Mar`, `7 Mar 2024`. Seconds since 1970.
pub fn ago(created_at: u64, now: u64, zone: Zone, language: Language) -> String {
    let seconds = signed(now).saturating_sub(signed(created_at));
    match seconds {
        i64::MIN..-900 => exact(created_at, zone, language),
        -900..45 => texts::MOMENT_NOW.say(language).to_owned(),
        45..HOUR => texts::minutes_ago(language, (seconds / MINUTE).max(1)),
        HOUR..DAY => texts::hours_ago(language, seconds / HOUR),
        DAY..604_800 => texts::days_ago(language, seconds / DAY),
        _ => {
            let (then, today) = (civil(created_at, zone), civil(now, zone));
            let year = (then.year != today.year).then_some(then.year);
            texts::date(language, then.day, month_name(then.month), year, None)
        }
    }
}

/// The exact time: `7 Mar 2026, 14:05`.
pub fn exact(created_at: u64, zone: Zone, language: Language) -> String {
    let Civil { year, month, day, hour, minute } = civil(created_at, zone);
    let time = format!("{hour}:{minute:02}");
    texts::date(language, day, month_name(month), Some(year), Some(&time))
}

/// For the `datetime` attribute: `2026-03-07T13:05Z`.
pub fn machine(created_at: u64) -> String {
    let Civil { year, month, day, hour, minute } = civil(created_at, Zone::default());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}Z")
}

fn month_name(month: usize) -> Words {
    month.checked_sub(1).and_then(|index| texts::MONTHS.get(index)).copied().unwrap_or(texts::JANUARY)
}

fn signed(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX / 2)
}

/// Days to date by the proleptic Gregorian calendar, with years that begin in March so that the leap day is last.
fn civil(seconds: u64, zone: Zone) -> Civil {
    let seconds = seconds.min(nostrp2p_protocol::limits::MAX_CREATED_AT);
    let local = signed(seconds) + i64::from((zone.0)(seconds)) * MINUTE;
    let (days, second) = (local.div_euclid(DAY), local.rem_euclid(DAY));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    Civil {
        year: year_of_era + era * 400 + i64::from(month <= 2),
        month: usize::try_from(month).unwrap_or(1),
        day: day_of_year - (153 * from_march + 2) / 5 + 1,
        hour: second / HOUR,
        minute: second % HOUR / MINUTE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UTC: Zone = Zone(|_| 0);
    const ENGLISH: Language = Language::English;
    const NOW: u64 = 1_772_892_300; // 7 Mar 2026, 14:05 UTC

    #[test]
    fn dates_follow_the_calendar() {
        assert_eq!(exact(0, UTC, ENGLISH), "1 Jan 1970, 0:00");
        assert_eq!(exact(NOW, UTC, ENGLISH), "7 Mar 2026, 14:05");
        assert_eq!(exact(NOW, Zone(|_| 9 * 60), ENGLISH), "7 Mar 2026, 23:05");
        assert_eq!(exact(951_782_400, UTC, ENGLISH), "29 Feb 2000, 0:00");
        assert_eq!(exact(951_782_400, Zone(|_| -1), ENGLISH), "28 Feb 2000, 23:59");
        assert_eq!(machine(NOW), "2026-03-07T14:05Z");
    }

    #[test]
    fn a_time_is_shown_by_the_offset_of_its_own_date() {
        // Berlin in 2026: summer time until 25 October, 1:00 UTC.
        let berlin = Zone(|seconds| if seconds < 1_792_890_000 { 120 } else { 60 });
        let (july, november) = (1_782_900_000, 1_793_527_200);
        assert_eq!(exact(july, berlin, ENGLISH), "1 Jul 2026, 12:00");
        assert_eq!(exact(november, berlin, ENGLISH), "1 Nov 2026, 11:00");
        assert_eq!(ago(july - 36_000 - 60, november, berlin, ENGLISH), "1 Jul");
    }

    #[test]
    fn distances_are_said_shortly() {
        let check =
            |seconds: u64, expected: &str| assert_eq!(ago(NOW - seconds, NOW, UTC, ENGLISH), expected);
        check(0, "now");
        check(44, "now");
        check(45, "1 min");
        check(3_599, "59 min");
        check(3_600, "1 h");
        check(86_399, "23 h");
        check(86_400, "1 d");
        check(7 * 86_400, "28 Feb");
        check(366 * 86_400, "6 Mar 2025");
    }

    #[test]
    fn japanese_puts_the_year_first() {
        let ago = |seconds: u64| ago(NOW - seconds, NOW, UTC, Language::Japanese);
        assert_eq!([ago(0), ago(60), ago(3_600), ago(86_400)], ["今", "1分", "1時間", "1日"]);
        assert_eq!([ago(7 * 86_400), ago(366 * 86_400)], ["2月28日", "2025年3月6日"]);
        assert_eq!(exact(NOW, UTC, Language::Japanese), "2026年3月7日 14:05");
    }

    #[test]
    fn absurd_dates_are_shown_and_break_nothing() {
        assert_eq!(ago(NOW + 60, NOW, UTC, ENGLISH), "now");
        assert_eq!(ago(NOW + 1_000, NOW, UTC, ENGLISH), "7 Mar 2026, 14:21");
        assert!(exact(u64::MAX, Zone(|_| 840), ENGLISH).contains("285428751"));
        assert!(
            !ago(u64::MAX, NOW, UTC, ENGLISH).is_empty()
                && !ago(0, u64::MAX, Zone(|_| -840), ENGLISH).is_empty()
        );
    }
}
