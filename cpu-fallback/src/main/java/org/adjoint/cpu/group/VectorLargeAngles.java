package org.adjoint.cpu.group;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** {@link LargeAngles} for vectors. Such angles are rare, so a vector that holds one is taken lane by lane. */
final class VectorLargeAngles {
    private VectorLargeAngles() { }

    static FloatVector sin(FloatVector x, FloatVector result) {
        return x.abs().compare(VectorOperators.LE, LargeAngles.FLOAT_LIMIT).allTrue() ? result : slow(x, result, true);
    }

    static FloatVector cos(FloatVector x, FloatVector result) {
        return x.abs().compare(VectorOperators.LE, LargeAngles.FLOAT_LIMIT).allTrue() ? result : slow(x, result, false);
    }

    static DoubleVector sin(DoubleVector x, DoubleVector result) {
        return x.abs().compare(VectorOperators.LE, LargeAngles.DOUBLE_LIMIT).allTrue() ? result : slow(x, result, true);
    }

    static DoubleVector cos(DoubleVector x, DoubleVector result) {
        return x.abs().compare(VectorOperators.LE, LargeAngles.DOUBLE_LIMIT).allTrue() ? result : slow(x, result,
            false);
    }

    private static FloatVector slow(FloatVector x, FloatVector result, boolean sine) {
        float[] angles = x.toArray();
        float[] values = result.toArray();
        for (int i = 0; i < values.length; i++) {
            values[i] = sine ? LargeAngles.sin(angles[i], values[i]) : LargeAngles.cos(angles[i], values[i]);
        }
        return FloatVector.fromArray(x.species(), values, 0);
    }

    private static DoubleVector slow(DoubleVector x, DoubleVector result, boolean sine) {
        double[] angles = x.toArray();
        double[] values = result.toArray();
        for (int i = 0; i < values.length; i++) {
            values[i] = sine ? LargeAngles.sin(angles[i], values[i]) : LargeAngles.cos(angles[i], values[i]);
        }
        return DoubleVector.fromArray(x.species(), values, 0);
    }
}
