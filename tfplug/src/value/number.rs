//! Numbers of any size, kept exactly as decimals.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// The most digits a number may need when written without an exponent, on either side of the point.
///
/// Core itself rounds to 512 bits, about 155 digits. The bound keeps `1e999999999` from filling the memory.
const MAX_DIGITS: i64 = 20_000;

/// A number: an exact decimal of any size, or an infinity.
///
/// Equal numbers are equal however they were written: `1`, `1.0` and `10e-1` are one number.
#[derive(Clone, Debug)]
pub struct Number(Repr);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Repr {
    NegativeInfinity,
    /// Value is ± 0.DIGITS × 10^point; `digits` has no leading or trailing zero, and is empty for zero (point 0).
    Finite {
        negative: bool,
        digits: Vec<u8>,
        point: i64,
    },
    Infinity,
}

/// Why text is not a number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NumberError {
    /// Not decimal notation.
    #[error("not a decimal number")]
    Syntax,
    /// More than 20,000 digits before or after the point.
    #[error("number needs too many digits")]
    TooLong,
    /// Not a number in the sense of IEEE 754, which Terraform does not have.
    #[error("NaN is not a Terraform number")]
    NotANumber,
}

impl Number {
    /// Positive infinity.
    pub const INFINITY: Self = Self(Repr::Infinity);
    /// Negative infinity.
    pub const NEGATIVE_INFINITY: Self = Self(Repr::NegativeInfinity);

    /// Converts a float; one that is no integer takes its shortest decimal spelling, as core compares it.
    pub fn from_f64(value: f64) -> Result<Self, NumberError> {
        if value.is_nan() {
            Err(NumberError::NotANumber)
        } else if value.is_infinite() {
            Ok(if value > 0.0 {
                Self::INFINITY
            } else {
                Self::NEGATIVE_INFINITY
            })
        } else if value.fract() == 0.0 {
            // The default formatting stops at the shortest digits that identify the float; an integer is meant exactly.
            format!("{value:.0}").parse()
        } else {
            value.to_string().parse()
        }
    }

    /// Returns the number as `i64`, if it is an integer in that range.
    pub fn as_i64(&self) -> Option<i64> {
        if self.integer_digits()? > 19 {
            None
        } else {
            self.to_string().parse().ok()
        }
    }

    /// Returns the number as `u64`, if it is an integer in that range.
    pub fn as_u64(&self) -> Option<u64> {
        if self.integer_digits()? > 20 {
            None
        } else {
            self.to_string().parse().ok()
        }
    }

    /// Returns the nearest float.
    pub fn as_f64(&self) -> f64 {
        match &self.0 {
            Repr::NegativeInfinity => f64::NEG_INFINITY,
            Repr::Infinity => f64::INFINITY,
            // Decimal text always parses; NaN would only say that it did not.
            Repr::Finite { .. } => self.to_string().parse().unwrap_or(f64::NAN),
        }
    }

    /// Returns the float that is exactly this number, if there is one.
    pub(crate) fn as_exact_f64(&self) -> Option<f64> {
        let Repr::Finite { digits, .. } = &self.0 else {
            return Some(self.as_f64());
        };
        // No double needs more than 767 significant digits.
        if digits.len() > 767 {
            return None;
        }
        let float = self.as_f64();
        let exact: Self = format!("{float:.1074}").parse().ok()?;
        (float.is_finite() && exact == *self).then_some(float)
    }

    /// Returns whether the number is finite and has no fraction.
    pub fn is_integer(&self) -> bool {
        self.integer_digits().is_some()
    }

    /// Returns how many digits an integer has, or none if this is no integer.
    fn integer_digits(&self) -> Option<i64> {
        match &self.0 {
            Repr::Finite { digits, point, .. } if count(digits) <= *point => Some(*point),
            _ => None,
        }
    }
}

/// Counts digits; there are never more than memory holds, far below the type's end.
fn count(digits: &[u8]) -> i64 {
    i64::try_from(digits.len()).unwrap_or(i64::MAX)
}

impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if matches!(unsigned, "Inf" | "inf" | "Infinity" | "infinity") {
            return Ok(if negative {
                Self::NEGATIVE_INFINITY
            } else {
                Self::INFINITY
            });
        }
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (
                mantissa,
                exponent.parse::<i32>().map_err(|_| NumberError::Syntax)?,
            ),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction)
        {
            return Err(NumberError::Syntax);
        }
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let leading = digits.iter().take_while(|digit| **digit == b'0').count();
        let mut point = count(whole.as_bytes()) + i64::from(exponent) - count(&digits[..leading]);
        digits.drain(..leading);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            point = 0;
        }
        if point > MAX_DIGITS || count(&digits) - point > MAX_DIGITS {
            return Err(NumberError::TooLong);
        }
        let negative = negative && !digits.is_empty();
        Ok(Self(Repr::Finite {
            negative,
            digits,
            point,
        }))
    }
}

/// Decimal notation without an exponent, exact.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (negative, digits, point) = match &self.0 {
            Repr::NegativeInfinity => return f.write_str("-Inf"),
            Repr::Infinity => return f.write_str("Inf"),
            Repr::Finite {
                negative,
                digits,
                point,
            } => (*negative, digits, *point),
        };
        let digit = |position: i64| {
            let digit = usize::try_from(position)
                .ok()
                .and_then(|index| digits.get(index));
            char::from(digit.copied().unwrap_or(b'0'))
        };
        let mut text = String::from(if negative { "-" } else { "" });
        if point <= 0 {
            text.push('0');
        }
        text.extend((0..point).map(digit));
        let length = count(digits);
        if point < length {
            text.push('.');
            text.extend((point..length).map(digit));
        }
        f.write_str(&text)
    }
}

macro_rules! from_integers {
    ($($integer:ty),+) => {$(
        impl From<$integer> for Number {
            fn from(value: $integer) -> Self {
                let text = value.to_string();
                let negative = text.starts_with('-');
                let digits = text.trim_start_matches('-').trim_start_matches('0');
                let point = count(digits.as_bytes());
                let digits = digits.trim_end_matches('0').as_bytes().to_vec();
                Self(Repr::Finite { negative, digits, point })
            }
        }
    )+};
}
from_integers!(i32, i64, u8, u16, u32, u64, usize);

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        /// Orders by sign first: -2 and 2 the infinities, -1 and 1 the finite, 0 zero.
        fn rank(repr: &Repr) -> i8 {
            match repr {
                Repr::NegativeInfinity => -2,
                Repr::Finite { digits, .. } if digits.is_empty() => 0,
                Repr::Finite { negative: true, .. } => -1,
                Repr::Finite { .. } => 1,
                Repr::Infinity => 2,
            }
        }
        rank(&self.0)
            .cmp(&rank(&other.0))
            .then_with(|| match (&self.0, &other.0) {
                (
                    Repr::Finite {
                        negative,
                        digits: a,
                        point: a_point,
                    },
                    Repr::Finite {
                        digits: b,
                        point: b_point,
                        ..
                    },
                ) => {
                    let size = a_point.cmp(b_point).then_with(|| a.cmp(b));
                    if *negative { size.reverse() } else { size }
                }
                _ => Ordering::Equal,
            })
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap()
    }

    #[test]
    fn one_number_has_one_spelling() {
        for (text, expected) in [
            ("0", "0"),
            ("-0", "0"),
            ("0.0", "0"),
            ("007", "7"),
            ("1.50", "1.5"),
            ("-10e-1", "-1"),
            ("1e3", "1000"),
            ("1e-7", "0.0000001"),
            (".5", "0.5"),
            ("12.", "12"),
            ("120.034", "120.034"),
            ("18446744073709551616", "18446744073709551616"),
            ("-Inf", "-Inf"),
        ] {
            assert_eq!(number(text).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "", "-", ".", "1e", "0x10", "1_000", "NaN", "1.2.3", "e5", "１",
        ] {
            assert_eq!(text.parse::<Number>(), Err(NumberError::Syntax), "{text}");
        }
        assert_eq!("1e20001".parse::<Number>(), Err(NumberError::TooLong));
        assert_eq!("1e-20001".parse::<Number>(), Err(NumberError::TooLong));
    }

    #[test]
    fn floats_keep_their_meaning() {
        assert_eq!(Number::from_f64(0.1).unwrap(), number("0.1"));
        assert_eq!(
            Number::from_f64(1e23).unwrap(),
            number("99999999999999991611392")
        );
        assert_eq!(number("0.5").as_exact_f64(), Some(0.5));
        assert_eq!(number("0.1").as_exact_f64(), None);
        assert_eq!(Number::from_f64(f64::NAN), Err(NumberError::NotANumber));
        assert_eq!(Number::INFINITY.as_exact_f64(), Some(f64::INFINITY));
    }

    #[test]
    fn integers_fit_or_do_not() {
        assert_eq!(number("9223372036854775807").as_i64(), Some(i64::MAX));
        assert_eq!(number("9223372036854775808").as_i64(), None);
        assert_eq!(number("18446744073709551615").as_u64(), Some(u64::MAX));
        assert_eq!(number("1.5").as_i64(), None);
        assert_eq!(number("1e3").as_i64(), Some(1000));
        assert_eq!(number("0").as_i64(), Some(0));
    }

    proptest! {
        #[test]
        fn integers_go_through_text(value: i64) {
            prop_assert_eq!(Number::from(value), value.to_string().parse().unwrap());
            prop_assert_eq!(Number::from(value).as_i64(), Some(value));
        }

        #[test]
        fn order_is_the_order_of_integers(a: i64, b: i64) {
            prop_assert_eq!(Number::from(a).cmp(&Number::from(b)), a.cmp(&b));
        }

        #[test]
        fn any_text_parses_or_is_refused(text in "[-+]?[0-9]{0,25}[.]?[0-9]{0,25}([eE][-+]?[0-9]{1,3})?") {
            if let Ok(number) = text.parse::<Number>() {
                prop_assert_eq!(number.to_string().parse::<Number>().unwrap(), number);
            }
        }

        #[test]
        fn finite_floats_survive(value in proptest::num::f64::NORMAL) {
            prop_assert_eq!(Number::from_f64(value).unwrap().as_f64().to_bits(), value.to_bits());
        }
    }
}
