//! RSA keys whose private half can be computed from the public one, because a library for smart cards built their primes
//! from powers of 65537: ROCA, [CVE-2017-15361](https://nvd.nist.gov/vuln/detail/CVE-2017-15361).

/// The generator from which the primes are built.
const GENERATOR: u32 = 65_537;

/// The largest prime that every affected key size uses.
const LARGEST: u32 = 167;

/// Whether the modulus is a power of the generator modulo each small prime. One other modulus in a hundred million is.
pub(super) fn is_affected(modulus: &[u8]) -> bool {
    (3..=LARGEST).filter(|&number| is_prime(number)).all(|prime| is_power(remainder(modulus, prime), prime))
}

/// The remainder of a number in big-endian bytes.
fn remainder(number: &[u8], by: u32) -> u32 {
    number.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % by)
}

/// Whether the number is a power of the generator modulo the prime.
fn is_power(number: u32, prime: u32) -> bool {
    let generator = GENERATOR % prime;
    let mut power = 1;
    loop {
        if power == number {
            return true;
        }
        power = power * generator % prime;
        if power == 1 {
            return false;
        }
    }
}

fn is_prime(number: u32) -> bool {
    (2..number)
        .take_while(|divisor| divisor * divisor <= number)
        .all(|divisor| !number.is_multiple_of(divisor))
}

/// The affected key of Project Wycheproof, `json_web_key_test.json`, test 7.
#[cfg(test)]
pub(super) const AFFECTED: &str = "AanFpofbj7KjD4Lf-N2hVMKR7yewSyXhhbirIMTGpfYEhZ_lnt5UoK98DnKIgArXGTu3MaW_HhFw16HGaTDUHqPrId7f\
    e4r11CqRw09yBFuW79V8sYIwHdzCaWflUI6auImYbVfoN9_nD5n8N8SY9DwXw7mwZM9wREPXoDPgOoIWl6q_MPsp7n0zs3Z5ZaiQWOOzl1S9OhwAfSi\
    iOwz6efnXEaxuTEtPd7BjSx7NaFka8Dx9U7YqXy2RFj1O9PjyaDGuRh7YXsX3iMUSP_wSyHQg_c_qHRtKUsNSGCT7OZg0hzm2KphtjnayKJvC64vAbR\
    OBR4Ubg6Bxg9IQVZ-QYyE";

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    #[test]
    fn an_affected_modulus_is_recognised() {
        let mut modulus = URL_SAFE_NO_PAD.decode(AFFECTED).unwrap();
        assert!(is_affected(&modulus));
        *modulus.last_mut().unwrap() ^= 2;
        assert!(!is_affected(&modulus));
    }

    #[test]
    fn products_of_powers_of_the_generator_are_recognised() {
        // 65537 and its square, which are powers modulo every prime.
        assert!(is_affected(&[1, 0, 1]) && is_affected(&[1, 0, 2, 0, 1]));
        assert!(!is_affected(&[2, 0, 1]));
    }

    #[test]
    fn the_remainder_is_that_of_the_whole_number() {
        for number in [0_u64, 1, 255, 256, 65_537, u64::MAX, 0x0123_4567_89ab_cdef] {
            for by in [3, 11, 167] {
                assert_eq!(u64::from(remainder(&number.to_be_bytes(), by)), number % u64::from(by));
            }
        }
        assert_eq!(
            (2..20).filter(|&number| is_prime(number)).collect::<Vec<_>>(),
            [2, 3, 5, 7, 11, 13, 17, 19]
        );
    }
}
