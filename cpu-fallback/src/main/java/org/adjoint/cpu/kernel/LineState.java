package org.adjoint.cpu.kernel;

import org.adjoint.graph.CumulativeOp;
import org.adjoint.graph.DType;

/** What a line has come to, up to an element: the carry of {@link CumulativeKernel}. */
final class LineState {
    /** Elements that a buffer holds. */
    static final int CHUNK = 1024;

    /** What is done with the elements of a line. */
    enum Kind {
        REAL_SUM, REAL_PROD, REAL_ARGMAX, REAL_ARGMIN, RECURRENCE, WHOLE_SUM, WHOLE_PROD, WHOLE_ARGMAX, WHOLE_ARGMIN;

        static Kind of(CumulativeOp op, DType dtype) {
            return switch (op) {
                case CumulativeOp.LinearRecurrence _ -> RECURRENCE;
                case CumulativeOp.Cumulative cumulative -> switch (cumulative.function()) {
                    case SUM -> dtype.isFloating() ? REAL_SUM : WHOLE_SUM;
                    case PROD -> dtype.isFloating() ? REAL_PROD : WHOLE_PROD;
                    case ARGMAX -> dtype.isFloating() ? REAL_ARGMAX : WHOLE_ARGMAX;
                    case ARGMIN -> dtype.isFloating() ? REAL_ARGMIN : WHOLE_ARGMIN;
                };
            };
        }
    }

    private final Kind kind;
    private boolean isEmpty;
    private double real;
    /** The product of a recurrence's factors. */
    private double factor;
    private long whole;
    private long index;

    LineState(Kind kind) {
        this.kind = kind;
        clear();
    }

    /** Back to the start of a line. */
    void clear() {
        isEmpty = true;
        boolean product = kind == Kind.REAL_PROD || kind == Kind.WHOLE_PROD;
        real = product ? 1 : 0;
        whole = product ? 1 : 0;
        factor = 1;
        index = 0;
    }

    /** Makes this the state at the end of both, of which {@code earlier} comes first. */
    void follow(LineState earlier) {
        switch (kind) {
            case REAL_SUM -> real = earlier.real + real;
            case REAL_PROD -> real = earlier.real * real;
            case WHOLE_SUM -> whole += earlier.whole;
            case WHOLE_PROD -> whole *= earlier.whole;
            case RECURRENCE -> {
                real = factor * earlier.real + real;
                factor *= earlier.factor;
            }
            case REAL_ARGMAX, REAL_ARGMIN -> {
                if (isEmpty || !takes(real, earlier.real)) {
                    real = earlier.real;
                    index = earlier.index;
                }
            }
            case WHOLE_ARGMAX, WHOLE_ARGMIN -> {
                if (isEmpty || !takes(whole, earlier.whole)) {
                    whole = earlier.whole;
                    index = earlier.index;
                }
            }
        }
        isEmpty = false;
    }

    private boolean takes(double later, double best) {
        return later != later || (kind == Kind.REAL_ARGMAX ? later >= best : later <= best);
    }

    private boolean takes(long later, long best) {
        return kind == Kind.WHOLE_ARGMAX ? later >= best : later <= best;
    }

    /** Takes in {@code n} elements of the line, of which the first is number {@code first}, and leaves results. */
    void along(LineBuffer buffer, long first, int n) {
        double[] x = buffer.reals;
        long[] wholes = buffer.wholes;
        switch (kind) {
            case REAL_SUM -> {
                double sum = real;
                for (int i = 0; i < n; i++) {
                    sum += x[i];
                    x[i] = sum;
                }
                real = sum;
            }
            case REAL_PROD -> {
                double product = real;
                for (int i = 0; i < n; i++) {
                    product *= x[i];
                    x[i] = product;
                }
                real = product;
            }
            case RECURRENCE -> recurrence(x, buffer.terms, first, n);
            case WHOLE_SUM -> {
                long sum = whole;
                for (int i = 0; i < n; i++) {
                    sum += wholes[i];
                    wholes[i] = sum;
                }
                whole = sum;
            }
            case WHOLE_PROD -> {
                long product = whole;
                for (int i = 0; i < n; i++) {
                    product *= wholes[i];
                    wholes[i] = product;
                }
                whole = product;
            }
            case REAL_ARGMAX, REAL_ARGMIN -> extremum(x, wholes, first, n);
            case WHOLE_ARGMAX, WHOLE_ARGMIN -> extremum(wholes, first, n);
        }
        isEmpty = false;
    }

    private void extremum(double[] x, long[] indices, long first, int n) {
        boolean largest = kind == Kind.REAL_ARGMAX;
        double best = isEmpty ? x[0] : real;
        long at = isEmpty ? first : index;
        for (int i = 0; i < n; i++) {
            double value = x[i];
            if (value != value || (largest ? value >= best : value <= best)) {
                best = value;
                at = first + i;
            }
            indices[i] = at;
        }
        real = best;
        index = at;
    }

    private void extremum(long[] x, long first, int n) {
        boolean largest = kind == Kind.WHOLE_ARGMAX;
        long best = isEmpty ? x[0] : whole;
        long at = isEmpty ? first : index;
        for (int i = 0; i < n; i++) {
            long value = x[i];
            if (largest ? value >= best : value <= best) {
                best = value;
                at = first + i;
            }
            x[i] = at;
        }
        whole = best;
        index = at;
    }

    private void recurrence(double[] factors, double[] terms, long first, int n) {
        if (first == 0) {
            // The first factor has nothing to act on, and may be infinite.
            factors[0] = 0;
        }
        double h = real;
        double product = factor;
        for (int i = 0; i < n; i++) {
            h = factors[i] * h + terms[i];
            product *= factors[i];
            factors[i] = h;
        }
        real = h;
        factor = product;
    }
}
