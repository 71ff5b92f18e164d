package org.adjoint.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ErrorFunctionTest {
    private static final MathContext DIGITS = new MathContext(60);
    private static final BigDecimal PI =
        new BigDecimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899");

    @Test
    void errsByLessThanOneUlp() {
        Random random = new Random(7);
        double worst = 0;
        for (int i = 0; i < 1200; i++) {
            double x = i < 500 ? 0.9 + random.nextDouble() * 0.4 : i < 1000 ? random.nextDouble() * 6.5
                : Math.scalb(random.nextDouble(), -random.nextInt(1000));
            BigDecimal exact = exact(x);
            double error = Math.abs(new BigDecimal(ErrorFunction.erf(x)).subtract(exact).doubleValue())
                / Math.ulp(exact.doubleValue());
            worst = Math.max(worst, error);
        }
        assertTrue(worst < 1, "worst error " + worst + " ulp");
    }

    @Test
    void isOddAndSaturates() {
        assertEquals(-ErrorFunction.erf(0.3), ErrorFunction.erf(-0.3));
        assertEquals(-ErrorFunction.erf(2.3), ErrorFunction.erf(-2.3));
        assertEquals(1, ErrorFunction.erf(Double.POSITIVE_INFINITY));
        assertEquals(-1, ErrorFunction.erf(Double.NEGATIVE_INFINITY));
        assertEquals(Double.NaN, ErrorFunction.erf(Double.NaN));
        assertEquals(-0.0, ErrorFunction.erf(-0.0));
    }

    /** The Maclaurin series in 60 digits: its largest term at 6.5 is 1e17. */
    private static BigDecimal exact(double x) {
        BigDecimal value = new BigDecimal(x);
        BigDecimal square = value.multiply(value);
        BigDecimal power = value;
        BigDecimal sum = value;
        for (int n = 1; n < 180; n++) {
            power = power.multiply(square).negate().divide(BigDecimal.valueOf(n), DIGITS);
            sum = sum.add(power.divide(BigDecimal.valueOf(2L * n + 1), DIGITS));
        }
        return sum.multiply(BigDecimal.TWO).divide(PI.sqrt(DIGITS), DIGITS);
    }
}
