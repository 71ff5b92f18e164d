package org.adjoint;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Array;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.adjoint.graph.AttentionOptions;
import org.adjoint.graph.Convolution;
import org.adjoint.graph.CrossEntropyOptions;
import org.adjoint.graph.DType;
import org.adjoint.graph.FusedOp;
import org.adjoint.graph.Pooling;
import org.adjoint.graph.Shape;

/** Arguments that nobody should pass, among some that fit: what a seed gives for a parameter's type. */
final class HostileArguments {
    private static final List<Long> LONGS = List.of(0L, 1L, 2L, 3L, 4L, 7L, -1L, -2L, -3L, 1L << 31, 1L << 40, 1L << 62,
        -(1L << 40), Long.MAX_VALUE, Long.MIN_VALUE);
    private static final List<Integer> INTS = List.of(0, 1, 2, 3, 4, 7, -1, -2, -3, Integer.MAX_VALUE,
        Integer.MIN_VALUE);
    private static final List<Double> DOUBLES = List.of(0.0, -0.0, 1.0, 2.0, 0.5, -1.0, 300.0, 1e300, -1e300,
        Double.MIN_VALUE, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY);
    private static final List<Shape> SHAPES = List.of(Shape.SCALAR, Shape.of(0), Shape.of(1), Shape.of(3), Shape.of(4),
        Shape.of(2, 3), Shape.of(3, 2), Shape.of(3, 3), Shape.of(0, 3), Shape.of(2, 0), Shape.of(2, 2, 3),
        Shape.of(2, 3, 4), Shape.of(1, 2, 3, 4), Shape.of(1, 1, 2, 3, 3));
    private static final List<Shape> HUGE = List.of(Shape.of(1L << 40, 3), Shape.of(1, 1L << 31, 1L << 31),
        Shape.of(Long.MAX_VALUE));
    private static final List<String> TEXTS = List.of("", "ij->ji", "ij,jk->ik", "i1", "...i,...j->...ij", "ijk", "->",
        "a->b", "ii->i", ",,", "ij,ij,ij", "i...i", "..", "\u00e9", "ij->->");

    private final Device device;
    private final Device other;
    private final Tensor traced;
    private final SplittableRandom random;
    private boolean huge;
    private final Map<Type, Supplier<Object>> sources = Map.ofEntries(
        Map.entry(boolean.class, () -> random().nextBoolean()), Map.entry(int.class, () -> one(INTS)),
        Map.entry(long.class, () -> one(LONGS)), Map.entry(double.class, () -> one(DOUBLES)),
        Map.entry(float.class, () -> 1f), Map.entry(String.class, () -> one(TEXTS)),
        Map.entry(Tensor.class, this::tensor), Map.entry(Differentiable.class, this::tensor),
        Map.entry(Device.class, () -> random().nextBoolean() ? device() : other()),
        Map.entry(Shape.class, () -> one(SHAPES)), Map.entry(Slice.class, this::slice),
        Map.entry(MemorySegment.class, this::segment), Map.entry(Convolution.class, this::convolution),
        Map.entry(Pooling.class, this::pooling),
        Map.entry(AttentionOptions.class, () -> AttentionOptions.DEFAULT.causal(random().nextBoolean())
            .dropout(random().nextInt(2) / 2.0).scale(one(DOUBLES))),
        Map.entry(CrossEntropyOptions.class, () -> CrossEntropyOptions.DEFAULT.ignoredIndex(one(LONGS))
            .labelSmoothing(random().nextInt(2) / 2.0)),
        Map.entry(FusedOp.AdamWUpdate.class, () -> new FusedOp.AdamWUpdate(0.9, 0.99, 1e-8, one(DOUBLES))));

    /** @param traced a tensor of a traced function that is over */
    HostileArguments(Device device, Device other, Tensor traced, long seed) {
        this.device = device;
        this.other = other;
        this.traced = traced;
        this.random = new SplittableRandom(seed);
    }

    private SplittableRandom random() {
        return random;
    }

    private Device device() {
        return device;
    }

    private Device other() {
        return other;
    }

    private <T> T one(List<T> all) {
        return all.get(random.nextInt(all.size()));
    }

    /** Whether one of the tensors since the last call has more elements than there is memory. */
    boolean wasHuge() {
        boolean was = huge;
        huge = false;
        return was;
    }

    /** Closed, of another device, of a finished trace, huge; of any dtype; mostly small and {@code F32}. */
    Tensor tensor() {
        DType dtype = random.nextInt(3) > 0 ? DType.F32 : one(List.of(DType.values()));
        return switch (random.nextInt(40)) {
            case 0 -> {
                Tensor closed = device.ones(dtype, 2, 3);
                closed.close();
                yield closed;
            }
            case 1 -> other.ones(dtype, 2, 3);
            case 2 -> traced;
            case 3, 4 -> {
                huge = true;
                yield device.ones(dtype, one(HUGE).toArray());
            }
            default -> device.full(dtype, random.nextInt(2), one(SHAPES).toArray());
        };
    }

    /** What a parameter of this type gets: now and then null, if it can be. */
    Object of(Type type) {
        boolean primitive = type instanceof Class<?> known && known.isPrimitive();
        if (!primitive && random.nextInt(20) == 0) {
            return null;
        }
        if (sources.containsKey(type)) {
            return sources.get(type).get();
        }
        if (type instanceof Class<?> array && array.isArray()) {
            Object values = Array.newInstance(array.componentType(), random.nextInt(4));
            for (int i = 0; i < Array.getLength(values); i++) {
                Array.set(values, i, of(array.componentType()));
            }
            return values;
        }
        if (type instanceof Class<?> choice && choice.isEnum()) {
            return one(List.of(choice.getEnumConstants()));
        }
        if (type instanceof ParameterizedType list && list.getRawType() == List.class) {
            return Arrays.asList((Tensor[]) Objects.requireNonNullElse(of(Tensor[].class), new Tensor[1]));
        }
        throw new IllegalStateException("no arguments are known for " + type.getTypeName() + ": add some");
    }

    private Slice slice() {
        Slice[] slice = {one(List.of(Slice.all(), Slice.at(one(LONGS)), Slice.range(one(LONGS), one(LONGS)),
            Slice.from(one(LONGS)), Slice.until(one(LONGS))))};
        attempt(step -> slice[0] = slice[0].step(step));
        return slice[0];
    }

    private void attempt(LongConsumer change) {
        try {
            change.accept(one(LONGS));
        } catch (IllegalArgumentException refused) {
            // As it was.
        }
    }

    private MemorySegment segment() {
        try (Arena arena = Arena.ofConfined()) {
            return one(List.of(MemorySegment.ofArray(new float[6]), MemorySegment.ofArray(new byte[0]),
                MemorySegment.ofArray(new float[6]).asReadOnly(), arena.allocate(24)));
        }
    }

    private long[] few() {
        return random.longs(random.nextInt(1, 3), 0, LONGS.size()).map(i -> LONGS.get((int) i)).toArray();
    }

    private Convolution convolution() {
        Convolution settings = one(List.of(Convolution.DEFAULT, Convolution.DEFAULT.samePadding(),
            Convolution.DEFAULT.groups(one(LONGS)), Convolution.DEFAULT.outputPadding(few())));
        return one(List.of(settings, settings.stride(few()), settings.dilation(few()), settings.padding(few())));
    }

    private Pooling pooling() {
        Pooling window = random.nextBoolean() ? Pooling.of(2) : Pooling.of(few());
        return one(List.of(window, window.stride(few()), window.dilation(few()), window.padding(few()),
            window.ceilMode(true)));
    }
}
