package org.adjoint.contract;

import java.util.Arrays;
import org.adjoint.Tensor;
import org.adjoint.gradcheck.TensorFunction;
import org.adjoint.graph.DType;

/**
 * How far a result may lie from the reference's.
 *
 * <p>A result element may err by {@code units} ulps of the type it is computed in, and, where it is stored in 16 bits,
 * by half an ulp of that for each of {@code roundings}. An ulp is that of the result or, where terms may cancel, of the
 * sum of their magnitudes. A gradient may err by {@code gradientUnits} epsilons of its dtype times the largest element
 * of the gradient of that input.
 *
 * @param units 0 demands the same bits as the reference gives in the same dtype
 * @param roundings how often values are stored on the way, at most
 * @param magnitude the sum of the magnitudes of the terms, null for the magnitude of the result
 * @param ownDtype whether the reference computes in the dtype under test too, not in {@code F64}
 * @param reason why it is what it is
 */
record Tolerance(double units, int roundings, double gradientUnits, Magnitude magnitude, boolean ownDtype,
    String reason) {
    /** The sum of the magnitudes of the terms of each element of an operation's result, or a scalar for all of them. */
    @FunctionalInterface
    interface Magnitude {
        Tensor of(TensorFunction operation, Tensor... arguments);
    }

    /** The same bits: for operations with one IEEE result, for integers and for those that move elements. */
    static Tolerance exact(String reason) {
        return new Tolerance(0, 0, 8, null, true, reason);
    }

    /** Within {@code units} of the result's ulps. */
    static Tolerance ulps(double units, String reason) {
        return new Tolerance(units, 1, 8, null, false, reason);
    }

    /** Within {@code units} ulps of {@code magnitude}, a function of the same arguments. */
    static Tolerance of(double units, TensorFunction magnitude, String reason) {
        return new Tolerance(units, 1, 16, (operation, x) -> magnitude.apply(x), false, reason);
    }

    /** Within {@code units} ulps of what the operation gives for the arguments' magnitudes: for sums of products. */
    static Tolerance summing(double units, String reason) {
        return new Tolerance(units, 1, 16, (operation, x) -> operation.apply(
            Arrays.stream(x).map(argument -> argument.dtype().isFloating() ? argument.abs() : argument)
                .toArray(Tensor[]::new)), false, reason);
    }

    Tolerance roundings(int roundings) {
        return new Tolerance(units, roundings, gradientUnits, magnitude, ownDtype, reason);
    }

    Tolerance gradient(double gradientUnits) {
        return new Tolerance(units, roundings, gradientUnits, magnitude, ownDtype, reason);
    }

    /** For results that another dtype would not only round differently, such as random numbers. */
    Tolerance inOwnDtype() {
        return new Tolerance(units, roundings, gradientUnits, magnitude, true, reason);
    }

    boolean isExact() {
        return units == 0;
    }

    /** The largest error of an element computed and stored as {@code dtype} whose ulp is that of {@code magnitude}. */
    double bound(DType dtype, double magnitude) {
        // In f64 the reference's own functions err by up to an ulp as well.
        double computed = (dtype == DType.F64 ? units + 1 : units) * ulp(dtype.computeType(), magnitude);
        return dtype.isHalf() ? computed + 0.5 * roundings * ulp(dtype, magnitude) : computed;
    }

    /** The distance of {@code dtype}'s numbers around {@code value}, which may be subnormal. */
    private static double ulp(DType dtype, double value) {
        int leastExponent = switch (dtype) {
            case F16 -> -14;
            case BF16, F32 -> Float.MIN_EXPONENT;
            case F64 -> Double.MIN_EXPONENT;
            case BOOL, U8, I32, I64 -> throw new IllegalArgumentException(dtype + " is not floating");
        };
        return Math.scalb(dtype.epsilon(), Math.max(leastExponent, Math.getExponent(value)));
    }
}
