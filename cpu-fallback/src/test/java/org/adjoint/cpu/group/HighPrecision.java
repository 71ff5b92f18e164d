package org.adjoint.cpu.group;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import org.adjoint.graph.UnaryOp;

/** Elementary functions to about 45 decimal digits, from their series. */
final class HighPrecision {
    private static final MathContext DIGITS = new MathContext(60);
    private static final BigDecimal ONE = BigDecimal.ONE;
    private static final BigDecimal TWO = BigDecimal.TWO;
    private static final BigDecimal TINY = new BigDecimal("1e-58");
    private static final BigDecimal LN2 = logOfRatio(TWO);
    /** Machin's formula. */
    private static final BigDecimal PI = BigDecimal.valueOf(16).multiply(arctanOfInverse(5))
        .subtract(BigDecimal.valueOf(4).multiply(arctanOfInverse(239)));

    private HighPrecision() { }

    /** {@code op(x)} for finite x in its domain. */
    static BigDecimal of(UnaryOp op, double value) {
        BigDecimal x = new BigDecimal(value);
        return switch (op) {
            case EXP -> exp(x);
            case EXPM1 -> expm1(x);
            case LOG -> log(x);
            case LOG1P -> x.abs().compareTo(new BigDecimal("1e-6")) < 0 ? logOfRatio(ONE.add(x)) : log(ONE.add(x));
            case SIN -> sin(x, 0);
            case COS -> sin(x, 1);
            case ATAN -> atan(x);
            case TANH -> {
                BigDecimal t = expm1(x.multiply(TWO));
                yield t.divide(t.add(TWO), DIGITS);
            }
            case SIGMOID -> ONE.divide(ONE.add(exp(x.negate())), DIGITS);
            case ERF -> erf(x);
            case SQRT -> x.sqrt(DIGITS);
            case RECIPROCAL -> ONE.divide(x, DIGITS);
            default -> throw new IllegalArgumentException(op.text());
        };
    }

    static BigDecimal pow(double x, double y) {
        return exp(log(new BigDecimal(x)).multiply(new BigDecimal(y)));
    }

    private static BigDecimal exp(BigDecimal x) {
        int n = x.divide(LN2, DIGITS).setScale(0, RoundingMode.HALF_EVEN).intValueExact();
        BigDecimal result = ONE.add(series(x.subtract(LN2.multiply(BigDecimal.valueOf(n)))));
        return n >= 0 ? result.multiply(TWO.pow(n), DIGITS) : result.divide(TWO.pow(-n), DIGITS);
    }

    private static BigDecimal expm1(BigDecimal x) {
        return x.abs().compareTo(ONE) < 0 ? series(x) : exp(x).subtract(ONE);
    }

    /** {@code x + x^2 / 2! + ...} */
    private static BigDecimal series(BigDecimal x) {
        BigDecimal sum = x;
        BigDecimal term = x;
        for (int i = 2; i < 80; i++) {
            term = term.multiply(x, DIGITS).divide(BigDecimal.valueOf(i), DIGITS);
            sum = sum.add(term, DIGITS);
        }
        return sum;
    }

    private static BigDecimal log(BigDecimal x) {
        int k = Math.getExponent(x.doubleValue());
        BigDecimal ratio = k >= 0 ? x.divide(TWO.pow(k), DIGITS) : x.multiply(TWO.pow(-k), DIGITS);
        return logOfRatio(ratio).add(LN2.multiply(BigDecimal.valueOf(k)));
    }

    /** {@code 2 (s + s^3 / 3 + ...)}, {@code s = (x - 1) / (x + 1)}. */
    private static BigDecimal logOfRatio(BigDecimal x) {
        BigDecimal s = x.subtract(ONE).divide(x.add(ONE), DIGITS);
        BigDecimal square = s.multiply(s, DIGITS);
        BigDecimal sum = s;
        BigDecimal power = s;
        for (int i = 3; power.abs().compareTo(TINY.multiply(s.abs())) > 0; i += 2) {
            power = power.multiply(square, DIGITS);
            sum = sum.add(power.divide(BigDecimal.valueOf(i), DIGITS), DIGITS);
        }
        return sum.multiply(TWO);
    }

    private static BigDecimal arctanOfInverse(long x) {
        BigDecimal power = ONE.divide(BigDecimal.valueOf(x), DIGITS);
        BigDecimal sum = power;
        for (int i = 3; i < 100; i += 2) {
            power = power.divide(BigDecimal.valueOf(-x * x), DIGITS);
            sum = sum.add(power.divide(BigDecimal.valueOf(i), DIGITS));
        }
        return sum;
    }

    /** {@code 2 atan(x / (1 + sqrt(1 + x^2)))}, four times over, then the series. */
    private static BigDecimal atan(BigDecimal x) {
        BigDecimal t = x;
        for (int i = 0; i < 4; i++) {
            t = t.divide(ONE.add(ONE.add(t.multiply(t)).sqrt(DIGITS)), DIGITS);
        }
        BigDecimal square = t.multiply(t, DIGITS).negate();
        BigDecimal power = t;
        BigDecimal sum = t;
        for (int i = 3; power.abs().compareTo(TINY.multiply(t.abs())) > 0; i += 2) {
            power = power.multiply(square, DIGITS);
            sum = sum.add(power.divide(BigDecimal.valueOf(i), DIGITS), DIGITS);
        }
        return sum.multiply(BigDecimal.valueOf(16));
    }

    private static BigDecimal sin(BigDecimal x, int quarters) {
        BigDecimal half = PI.divide(TWO, DIGITS);
        BigDecimal n = x.divide(half, DIGITS).setScale(0, RoundingMode.HALF_EVEN);
        BigDecimal r = x.subtract(n.multiply(half));
        int quadrant = (n.toBigIntegerExact().intValue() + quarters) & 3;
        boolean cosine = (quadrant & 1) == 1;
        BigDecimal term = cosine ? ONE : r;
        BigDecimal sum = term;
        for (int i = cosine ? 1 : 2; i < 60; i += 2) {
            term = term.multiply(r, DIGITS).multiply(r, DIGITS).divide(BigDecimal.valueOf(-(long) i * (i + 1)), DIGITS);
            sum = sum.add(term, DIGITS);
        }
        return quadrant >= 2 ? sum.negate() : sum;
    }

    /** Abramowitz and Stegun 7.1.6: {@code 2 / sqrt(pi) e^(-x^2) sum 2^n x^(2n+1) / (1 3 5 ... (2n+1))}. */
    private static BigDecimal erf(BigDecimal x) {
        BigDecimal square = x.multiply(x, DIGITS).multiply(TWO);
        BigDecimal term = x;
        BigDecimal sum = x;
        for (int i = 3; term.abs().compareTo(TINY.multiply(sum.abs())) > 0; i += 2) {
            term = term.multiply(square, DIGITS).divide(BigDecimal.valueOf(i), DIGITS);
            sum = sum.add(term, DIGITS);
        }
        return sum.multiply(TWO).multiply(exp(x.multiply(x).negate())).divide(PI.sqrt(DIGITS), DIGITS);
    }
}
