package org.adjoint.contract;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.function.IntPredicate;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.adjoint.Device;
import org.adjoint.Scope;
import org.adjoint.Tensor;
import org.adjoint.contract.RandomProgram.Call;
import org.adjoint.contract.RandomProgram.Leaf;
import org.adjoint.contract.RandomProgram.Value;
import org.adjoint.graph.DType;
import org.adjoint.graph.Halves;
import org.adjoint.graph.Shape;

/**
 * Composes programs. Each value is computed as soon as it is chosen, on the reference in {@code F64}, and dropped where
 * it is not finite or large: programs stay where numbers say something.
 */
final class ProgramGenerator {
    private static final double LARGEST = 50;
    private static final long MOST_ELEMENTS = 200;

    private final ProgramSettings settings;
    private final SplittableRandom random;
    private final Device reference;
    private final List<Value> values = new ArrayList<>();
    /** In the dtypes of the program, never computed. */
    private final List<Tensor> narrow = new ArrayList<>();
    /** In {@code F64}, computed. */
    private final List<Tensor> wide = new ArrayList<>();

    private ProgramGenerator(ProgramSettings settings, long seed, Device reference) {
        this.settings = settings;
        this.random = new SplittableRandom(seed);
        this.reference = reference;
    }

    /** The program of a seed. */
    static RandomProgram generate(ProgramSettings settings, long seed, Device reference) {
        try (Scope scope = reference.scope()) {
            return new ProgramGenerator(settings, seed, reference).generate();
        }
    }

    private RandomProgram generate() {
        // Short ones more often: they take less time, and long ones hide less.
        double share = random.nextDouble();
        int size = settings.least() + (int) ((settings.most() - settings.least() + 1) * share * share);
        for (int i = random.nextInt(1, 4); i > 0; i--) {
            leaf(settings.floating(random), shape());
        }
        int calls = 0;
        for (int attempts = 0; calls < size && attempts < 8 * size; attempts++) {
            List<ProgramFamilies.Family> group = one(settings.groups());
            int before = values.size();
            Call call = one(group).next(this);
            if (call != null && admit(call)) {
                calls++;
            } else {
                drop(before);
            }
        }
        List<Integer> unused = new ArrayList<>();
        for (int i = 0; i < values.size(); i++) {
            int position = i;
            boolean used = values.stream().anyMatch(value -> value instanceof Call call
                && call.operands().contains(position));
            if (!used && values.get(i) instanceof Call) {
                unused.add(i);
            }
        }
        return new RandomProgram(List.copyOf(values), unused).withoutUnused();
    }

    /** Leaves that were made for an operation that did not come about. */
    private void drop(int size) {
        values.subList(size, values.size()).clear();
        narrow.subList(size, narrow.size()).clear();
        wide.subList(size, wide.size()).clear();
    }

    private boolean admit(Call call) {
        Tensor type = call.function().apply(operands(call, narrow));
        if (type.shape().elements() > MOST_ELEMENTS || type.shape().rank() > 5) {
            return false;
        }
        Tensor value = call.wide().apply(operands(call, wide));
        if (Arrays.stream(value.toDoubleArray()).anyMatch(number -> !(Math.abs(number) <= LARGEST))) {
            return false;
        }
        values.add(new Call(type.dtype(), call.code(), call.operands(), call.function(), call.wide()));
        narrow.add(type);
        wide.add(value);
        return true;
    }

    private static Tensor[] operands(Call call, List<Tensor> tensors) {
        return call.operands().stream().map(tensors::get).toArray(Tensor[]::new);
    }

    // What families ask for

    int integer(int bound) {
        return random.nextInt(bound);
    }

    boolean coin() {
        return random.nextBoolean();
    }

    <T> T one(List<T> choices) {
        return choices.get(random.nextInt(choices.size()));
    }

    Shape shape(int value) {
        return narrow.get(value).shape();
    }

    int rank(int value) {
        return shape(value).rank();
    }

    DType dtype(int value) {
        return narrow.get(value).dtype();
    }

    /** An axis of a value, or -1 if it has none. */
    int axis(int value) {
        return rank(value) == 0 ? -1 : random.nextInt(rank(value));
    }

    /** A value that fits: a late one more often, or -1. */
    int pick(IntPredicate fits) {
        int[] fitting = IntStream.range(0, values.size()).filter(fits).toArray();
        int back = fitting.length == 0 ? 0 : Math.min(random.nextInt(fitting.length), random.nextInt(fitting.length));
        return fitting.length == 0 ? -1 : fitting[fitting.length - 1 - back];
    }

    /** A floating value of at least so many axes. */
    int floating(int rank) {
        int found = pick(i -> dtype(i).isFloating() && rank(i) >= rank);
        if (found >= 0 && random.nextInt(12) > 0) {
            return found;
        }
        Shape shape = shape();
        return leaf(settings.floating(random), shape.rank() >= rank ? shape
            : Shape.of(IntStream.range(0, rank).mapToLong(i -> settings.extent(random)).toArray()));
    }

    /** A floating or integer value. */
    int number() {
        int found = random.nextInt(4) > 0 ? -1 : pick(i -> dtype(i).isInteger());
        return found >= 0 ? found : floating(0);
    }

    int any() {
        return pick(i -> true);
    }

    int truth() {
        int found = pick(i -> dtype(i).isBoolean());
        return found >= 0 ? found : leaf(DType.BOOL, shape());
    }

    private Shape shape() {
        long[] extents = new long[random.nextInt(settings.rank() + 1)];
        Arrays.setAll(extents, i -> settings.extent(random));
        return Shape.of(extents);
    }

    /** A value that broadcasts with another and is of its dtype, another one if there is, else a leaf. */
    int broadcasting(int value) {
        int found = pick(i -> dtype(i) == dtype(value) && fits(shape(i), shape(value)));
        if (found >= 0 && random.nextInt(4) > 0) {
            return found;
        }
        long[] extents = shape(value).toArray();
        long[] part = Arrays.copyOfRange(extents, random.nextInt(3) == 0 && extents.length > 0
            ? random.nextInt(extents.length) : 0, extents.length);
        for (int i = 0; i < part.length; i++) {
            part[i] = random.nextInt(4) == 0 ? 1 : part[i];
        }
        return leaf(dtype(value), Shape.of(part));
    }

    /** A value of exactly this type: one that there is, or a leaf. */
    int of(DType dtype, long... extents) {
        Shape shape = Shape.of(extents);
        int found = pick(i -> dtype(i) == dtype && shape(i).equals(shape));
        return found >= 0 && random.nextInt(4) > 0 ? found : leaf(dtype, shape);
    }

    private static boolean fits(Shape a, Shape b) {
        try {
            return Shape.broadcast("", a, b).elements() <= MOST_ELEMENTS;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    int leaf(DType dtype, Shape shape) {
        return leaf(dtype, shape, dtype.isBoolean() ? 0 : dtype == DType.U8 ? 0 : -6, dtype.isBoolean() ? 2 : 7);
    }

    /** {@code I64} numbers in [0, bound). */
    int indices(long bound, long... extents) {
        return leaf(DType.I64, Shape.of(extents), 0, bound);
    }

    /** Integers in [low, high); floating numbers in [-2, 2]. */
    private int leaf(DType dtype, Shape shape, long low, long high) {
        double[] numbers = new double[(int) shape.elements()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = dtype.isFloating() ? Halves.round(dtype, random.nextDouble(-2, 2))
                : random.nextLong(low, high);
        }
        Leaf leaf = new Leaf(dtype, shape, numbers);
        values.add(leaf);
        narrow.add(RandomProgram.upload(reference, leaf, false));
        wide.add(RandomProgram.upload(reference, leaf, true).realize());
        return values.size() - 1;
    }

    /** An operation, unless it lacks an operand. */
    static Call call(String code, Function<Tensor[], Tensor> function, int... operands) {
        return call(code, function, function, operands);
    }

    static Call call(String code, Function<Tensor[], Tensor> function, Function<Tensor[], Tensor> wide,
        int... operands) {
        return Arrays.stream(operands).anyMatch(operand -> operand < 0) ? null
            : new Call(null, code, Arrays.stream(operands).boxed().toList(), function, wide);
    }

    /** A method of one operand. */
    static Call method(String code, UnaryOperator<Tensor> function, int operand) {
        return call("$0." + code, x -> function.apply(x[0]), operand);
    }
}
