package org.adjoint.reference;

/** erf in double, to less than 1 ulp. */
final class ErrorFunction {
    /** Below it the Maclaurin series, above it the continued fraction: neither cancels on its side. */
    private static final double SPLIT = 1.1;
    /** 1 - erf(6) is 2e-17, a fifth of an ulp of 1. */
    private static final double ONE = 6;
    /** 2 / sqrt(pi) - 1. */
    private static final double SLOPE_LESS_ONE = 0.12837916709551257390;
    private static final double ROOT_OF_PI = 1.7724538509055160273;
    private static final int TERMS = 26;
    /** (-1)^n 2 / (sqrt(pi) n! (2n + 1)). */
    private static final double[] MACLAURIN = new double[TERMS];

    static {
        double factor = 2 / ROOT_OF_PI;
        for (int n = 0; n < TERMS; n++) {
            MACLAURIN[n] = factor / (2 * n + 1);
            factor /= -(n + 1);
        }
    }

    private ErrorFunction() { }

    static double erf(double x) {
        double magnitude = Math.abs(x);
        if (magnitude >= ONE) {
            return Math.copySign(1, x);
        }
        if (magnitude >= SPLIT) {
            return Math.copySign(1 - erfc(magnitude), x);
        }
        return series(x);
    }

    /**
     * Abramowitz and Stegun 7.1.5: erf(x) = 2/sqrt(pi) (x - x^3/3 + x^5/(2! 5) - ...), as x + x r, with r small, so
     * that the last addition alone rounds at the result's scale. NaN stays NaN, and a zero keeps its sign.
     */
    private static double series(double x) {
        double square = x * x;
        double r = 0;
        for (int n = TERMS - 1; n > 0; n--) {
            r = Math.fma(r, square, MACLAURIN[n]);
        }
        return Math.fma(x, Math.fma(r, square, SLOPE_LESS_ONE), x);
    }

    /** Abramowitz and Stegun 7.1.14: sqrt(pi) exp(x^2) erfc(x) = 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + ...)))), x > 0. */
    private static double erfc(double x) {
        // After n terms the relative error is about exp(-2 x sqrt(2 n)); erf, near 1, needs it below 2^-52.
        int terms = (int) (180 / (x * x)) + 5;
        double tail = x;
        for (int n = terms; n > 0; n--) {
            tail = x + 0.5 * n / tail;
        }
        double square = x * x;
        double lost = Math.fma(x, x, -square);
        return StrictMath.exp(-square) * (1 - lost) / (ROOT_OF_PI * tail);
    }
}
