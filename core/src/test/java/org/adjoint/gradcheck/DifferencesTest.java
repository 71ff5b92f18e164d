package org.adjoint.gradcheck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.DoubleUnaryOperator;
import org.adjoint.gradcheck.Differences.Derivative;
import org.junit.jupiter.api.Test;

class DifferencesTest {
    private static Derivative derivative(DoubleUnaryOperator function, double x) {
        Differences differences = new Differences(t -> new double[] {function.applyAsDouble(x + t)}, new double[] {1},
            new double[] {function.applyAsDouble(x)});
        return differences.at(1.0 / 64 * Math.max(1, Math.abs(x)), 1e-6, 3e-10);
    }

    private static void agrees(double expected, Derivative found) {
        assertEquals(expected, found.value(), 1e-10 * Math.max(1, Math.abs(expected)));
        assertFalse(found.kink());
    }

    @Test
    void agreesWithCalculus() {
        agrees(Math.cos(1), derivative(Math::sin, 1));
        agrees(Math.exp(3), derivative(Math::exp, 3));
        agrees(5 * Math.pow(-2, 4), derivative(x -> Math.pow(x, 5), -2));
        agrees(0, derivative(x -> 3, 2));
        agrees(1e3 * Math.cos(1e3 * 0.7), derivative(x -> Math.sin(1e3 * x), 0.7));
    }

    /** The first steps leave the domain of the logarithm, or come close to its pole. */
    @Test
    void shrinksTheStepNearPoles() {
        agrees(1000, derivative(Math::log, 1e-3));
        agrees(50, derivative(Math::log, 0.02));
    }

    @Test
    void findsKinksAndJumps() {
        assertTrue(derivative(Math::abs, 0).kink());
        assertTrue(derivative(x -> Math.max(x, 0), 1e-5).kink());
        assertTrue(derivative(x -> x < 0 ? 0 : 1, 0).kink());
        assertTrue(derivative(x -> Math.abs(x) + 10 * x, -1e-6).kink());
    }

    /** Outputs that do not change leave no rounding error behind. */
    @Test
    void constantOutputsDoNotDisturb() {
        double[] cotangent = {1e12, 1};
        Differences differences = new Differences(t -> new double[] {1 / 3.0, Math.sin(t)}, cotangent,
            new double[] {1 / 3.0, 0});
        assertEquals(1, differences.at(1.0 / 64, 1e-6, 3e-10).value(), 1e-11);
    }

    @Test
    void whatIsNowhereFiniteHasNoDerivative() {
        assertTrue(Double.isNaN(derivative(x -> Double.NaN, 1).value()));
    }
}
