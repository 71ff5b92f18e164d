package org.adjoint.nn;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import java.util.stream.LongStream;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;
import org.adjoint.graph.Halves;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;

/** A parameter of a module: its shape from the start, its value once the module is initialized. */
public final class Parameter {
    /** Elements that one thread fills at a time. */
    private static final long CHUNK = 1 << 16;

    private final String name;
    private final Shape shape;
    private final Initializer initializer;
    private final Module<?> owner;
    private Variable variable;

    Parameter(String name, Shape shape, Initializer initializer, Module<?> owner) {
        this.name = name;
        this.shape = shape;
        this.initializer = Objects.requireNonNull(initializer, "initializer");
        this.owner = owner;
    }

    public Shape shape() {
        return shape;
    }

    boolean isInitialized() {
        return variable != null;
    }

    /** @throws IllegalStateException before the module is initialized */
    public Variable variable() {
        if (variable == null) {
            throw new IllegalStateException("parameter '" + name + "' of " + owner
                + " has no value yet: call initialize(device, seed) on the model first");
        }
        return variable;
    }

    /** The value at this point of the program. */
    public Tensor tensor() {
        return variable().tensor();
    }

    void initialize(Device device, String fullName, long seed, DType dtype) {
        RandomNumbers random = new RandomNumbers(seed, fullName);
        variable = device.variable(fullName, new TensorType(dtype, shape), (part, first) -> {
            long count = part.byteSize() / dtype.bytes();
            LongStream.range(0, (count + CHUNK - 1) / CHUNK).parallel().forEach(chunk -> {
                long end = Math.min((chunk + 1) * CHUNK, count);
                for (long i = chunk * CHUNK; i < end; i++) {
                    set(part, dtype, i, initializer.value(shape, random, first + i));
                }
            });
        });
    }

    private static void set(MemorySegment values, DType dtype, long index, double value) {
        switch (dtype) {
            case F64 -> values.setAtIndex(ValueLayout.JAVA_DOUBLE, index, value);
            case F32 -> values.setAtIndex(ValueLayout.JAVA_FLOAT, index, (float) value);
            case F16 -> values.setAtIndex(ValueLayout.JAVA_SHORT, index, Halves.f16(value));
            case BF16 -> values.setAtIndex(ValueLayout.JAVA_SHORT, index, Halves.bf16(value));
            case BOOL, U8, I32, I64 ->
                throw new IllegalArgumentException("initialize: parameters are floating, not " + dtype.text());
        }
    }

    @Override
    public String toString() {
        return name + " " + shape;
    }
}
