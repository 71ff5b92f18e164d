package org.adjoint.cpu.group;

/**
 * Sines and cosines of angles too large for a reduction in three parts: {@link StrictMath}'s, which are exact in their
 * reduction and the same everywhere.
 */
final class LargeAngles {
    static final float FLOAT_LIMIT = 0x1p17f;
    static final double DOUBLE_LIMIT = 0x1p20;

    private LargeAngles() { }

    static float sin(float x, float result) {
        return Math.abs(x) <= FLOAT_LIMIT ? result : (float) StrictMath.sin(x);
    }

    static float cos(float x, float result) {
        return Math.abs(x) <= FLOAT_LIMIT ? result : (float) StrictMath.cos(x);
    }

    static double sin(double x, double result) {
        return Math.abs(x) <= DOUBLE_LIMIT ? result : StrictMath.sin(x);
    }

    static double cos(double x, double result) {
        return Math.abs(x) <= DOUBLE_LIMIT ? result : StrictMath.cos(x);
    }
}
