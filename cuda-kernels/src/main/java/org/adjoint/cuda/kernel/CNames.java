package org.adjoint.cuda.kernel;

import java.util.Map;
import org.adjoint.graph.DType;

/** What {@code common.cuh} calls the dtypes. */
final class CNames {
    private CNames() { }

    static String of(DType dtype) {
        return dtype == DType.BOOL ? "b8" : dtype.text();
    }

    /** The definition that sources take the dtype they are compiled for from. */
    static Map<String, String> asT(DType dtype) {
        return Map.of("T", of(dtype));
    }
}
