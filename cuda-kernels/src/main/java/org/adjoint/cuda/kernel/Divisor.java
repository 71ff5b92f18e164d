package org.adjoint.cuda.kernel;

/** Division by multiplication: {@code divisor.cuh}. */
public final class Divisor {
    private Divisor() { }

    /**
     * What divides numbers below 2^31 by {@code extent}; 0 for extents that need no division, or more than that. With
     * 2^(shift + 1) the least power of two that is not below the extent, the multiplier 2^(32 + shift) / extent, rounded
     * up, is too large by less than 2^(shift + 1) / extent / 2^31 of itself, which such a number does not turn into a
     * whole one.
     *
     * @return the multiplier in the lower half, the shift in the upper one
     */
    public static long of(long extent) {
        if (extent < 2 || extent > Integer.MAX_VALUE) {
            return 0;
        }
        int shift = Integer.SIZE - 1 - Integer.numberOfLeadingZeros((int) extent - 1);
        long multiplier = Math.ceilDiv(1L << Integer.SIZE + shift, extent);
        return (long) shift << Integer.SIZE | multiplier;
    }
}
