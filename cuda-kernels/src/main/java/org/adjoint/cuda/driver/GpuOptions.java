package org.adjoint.cuda.driver;

/**
 * How a card is used.
 *
 * @param pooling whether freed memory is kept for the next request; without, each request is an allocation of its own,
 *     which checking tools can watch
 * @param tf32 whether products of {@code F32} matrices may round their inputs to 10 bits of mantissa, which is several
 *     times as fast
 * @param blocking whether to wait for each kernel, so that a failing one is named; slow
 */
public record GpuOptions(boolean pooling, boolean tf32, boolean blocking) {
    public static final GpuOptions DEFAULT = new GpuOptions(true, false, false);

    public GpuOptions withPooling(boolean on) {
        return new GpuOptions(on, tf32, blocking);
    }

    public GpuOptions withBlocking(boolean on) {
        return new GpuOptions(pooling, tf32, on);
    }
}
