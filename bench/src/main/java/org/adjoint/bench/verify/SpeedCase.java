package org.adjoint.bench.verify;

import java.util.List;
import java.util.function.Function;
import org.adjoint.Device;
import org.adjoint.Tensor;

/**
 * Work to time.
 *
 * @param key names it, with shapes and dtype
 * @param amount bytes that have to move, or floating-point operations that have to be done, at the least
 * @param ceiling what the rate is a fraction of
 * @param arguments made on the device before time runs
 * @param function traced once
 */
record SpeedCase(String key, double amount, Ceiling ceiling, Function<Device, List<Tensor>> arguments,
    Function<List<Tensor>, List<Tensor>> function) {
    /** What the card can do, measured in the same run. */
    enum Ceiling {
        /** Bytes per second of a copy in the device's memory, counted both ways. */
        COPY("GB/s", "copy"),
        /** Operations per second of cuBLAS, called as C calls it. */
        GEMM_F64("GFLOP/s", "cuBLAS f64"),
        GEMM_F32("GFLOP/s", "cuBLAS f32"),
        GEMM_BF16("GFLOP/s", "cuBLAS bf16");

        final String unit;
        final String text;

        Ceiling(String unit, String text) {
            this.unit = unit;
            this.text = text;
        }
    }
}
