package org.adjoint;

import java.util.Locale;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;

/** Values as people read them: nested brackets, six significant digits, long axes cut in the middle. */
final class TensorText {
    private static final int EDGE = 3;
    private static final long FULL = 1_000;

    private TensorText() { }

    static String format(Shape shape, DType dtype, double[] values) {
        StringBuilder text = new StringBuilder();
        append(text, shape, dtype, values, 0, 0, shape.elements() > FULL);
        return text.toString();
    }

    private static void append(StringBuilder text, Shape shape, DType dtype, double[] values, int axis, long start,
        boolean cut) {
        if (axis == shape.rank()) {
            text.append(element(dtype, values[Math.toIntExact(start)]));
            return;
        }
        long below = 1;
        for (int inner = axis + 1; inner < shape.rank(); inner++) {
            below *= shape.extent(inner);
        }
        boolean last = axis == shape.rank() - 1;
        text.append('[');
        long extent = shape.extent(axis);
        for (long i = 0; i < extent; i++) {
            if (i > 0) {
                text.append(last ? ", " : ",\n" + " ".repeat(axis + 1));
            }
            if (cut && extent > 2 * EDGE && i == EDGE) {
                text.append("...");
                i = extent - EDGE - 1;
                continue;
            }
            append(text, shape, dtype, values, axis + 1, start + i * below, cut);
        }
        text.append(']');
    }

    private static String element(DType dtype, double value) {
        if (dtype.isBoolean()) {
            return value != 0 ? "true" : "false";
        }
        if (dtype.isInteger()) {
            return Long.toString((long) value);
        }
        return value == Math.rint(value) && Math.abs(value) < 1e6 ? String.format(Locale.ROOT, "%.1f", value)
            : String.format(Locale.ROOT, "%.6g", value);
    }
}
