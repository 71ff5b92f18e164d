package org.adjoint.cuda.launch;

import java.util.List;
import org.adjoint.graph.DType;
import org.adjoint.plan.View;

/** A parameter of a kernel. Addresses and scalars are filled in at each run. */
public sealed interface Argument {
    /** A pointer into a slot of the plan. */
    record Address(int slot, long byteOffset) implements Argument { }

    /** A pointer into the memory that the step asked for, {@link Prepared#workspaceBytes}. */
    record Workspace(long byteOffset) implements Argument { }

    /** A pointer to the run's status, where kernels report indices out of range: see {@code common.cuh}. */
    record Status() implements Argument { }

    /** The number of the step within its plan, as {@code i32}, for the status. */
    record StepNumber() implements Argument { }

    /**
     * A scalar of the plan, in the size of {@code dtype}'s compute type.
     *
     * @param index in {@link org.adjoint.plan.Plan#withExtra}
     */
    record Scalar(int index, DType dtype) implements Argument { }

    record Int32(int value) implements Argument { }

    record Int64(long value) implements Argument { }

    record Float32(float value) implements Argument { }

    record Float64(double value) implements Argument { }

    /** A structure of 64-bit integers, passed by value: extents and strides. */
    record Int64s(long... values) implements Argument { }

    /** A structure passed by value: its fields, each aligned to its size. */
    record Struct(List<Argument> fields) implements Argument {
        public Struct {
            fields = List.copyOf(fields);
        }
    }

    /** The address of a view's first element. */
    static Argument of(View view) {
        return new Address(view.slot(), view.byteOffset());
    }

    static Argument of(int value) {
        return new Int32(value);
    }

    static Argument of(long value) {
        return new Int64(value);
    }

    static Argument of(float value) {
        return new Float32(value);
    }

    static Argument of(double value) {
        return new Float64(value);
    }
}
