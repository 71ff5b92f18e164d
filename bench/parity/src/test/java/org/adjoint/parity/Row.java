package org.adjoint.parity;

import java.util.function.Function;

/**
 * An operation and how cases of it are made.
 *
 * @param bound the largest error in f32, in epsilons (2^-23) of the norm of the result
 * @param gradientBound likewise of the gradients
 * @param cancels whether terms may cancel: errors are then relative to the norm of the arguments as well
 */
record Row(String name, double bound, double gradientBound, boolean cancels, boolean differentiable,
    Function<Draw, Case> draw) {
    static Row of(String name, Function<Draw, Case> draw) {
        return new Row(name, 2, 4, false, true, draw);
    }

    Row bound(double bound, double gradientBound) {
        return new Row(name, bound, gradientBound, cancels, differentiable, draw);
    }

    Row cancelling() {
        return new Row(name, bound, gradientBound, true, differentiable, draw);
    }

    Row forwardOnly() {
        return new Row(name, bound, gradientBound, cancels, false, draw);
    }

    @Override
    public String toString() {
        return name;
    }
}
