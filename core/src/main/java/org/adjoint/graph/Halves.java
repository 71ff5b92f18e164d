package org.adjoint.graph;

/** Rounding of doubles to floating dtypes, to nearest even. */
public final class Halves {
    private Halves() { }

    /** {@code value} rounded to {@code dtype}, once, to nearest even. */
    public static double round(DType dtype, double value) {
        return switch (dtype) {
            case F64 -> value;
            case F32 -> (float) value;
            case F16 -> Float.float16ToFloat(f16(value));
            case BF16 -> bf16ToFloat(bf16(value));
            case BOOL, U8, I32, I64 -> throw new IllegalArgumentException(dtype + " is not floating");
        };
    }

    /** The bits of {@code value} as binary16. Rounding by way of float would round twice: round to odd in between. */
    public static short f16(double value) {
        return Float.floatToFloat16(roundToOdd(value));
    }

    /** The bits of {@code value} as bfloat16. */
    public static short bf16(double value) {
        return bf16(roundToOdd(value));
    }

    /** The bits of {@code value} as bfloat16; a NaN stays one. */
    public static short bf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) (bits >>> 16 | 0x40);
        }
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }

    public static float bf16ToFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /** A float that rounds further as {@code value} itself would: inexact results get an odd last bit. */
    private static float roundToOdd(double value) {
        float nearest = (float) value;
        if (nearest == value || Double.isNaN(value) || Float.isInfinite(nearest)) {
            return nearest;
        }
        boolean odd = (Float.floatToRawIntBits(nearest) & 1) == 1;
        return odd ? nearest : value > nearest ? Math.nextUp(nearest) : Math.nextDown(nearest);
    }
}
