package org.adjoint.bench.suite;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * An operation on tensors of one size; its text is such as {@code softmax 4096x1024} or, where the gradients of all
 * operands are computed after it, {@code softmax 4096x1024 gradient}.
 */
record OperationCase(Operation operation, List<Integer> extents, boolean gradient) {
    private static final Pattern TEXT = Pattern.compile("(\\w+) (\\d+(?:x\\d+)*)( gradient)?");
    private static final int KERNEL_ELEMENTS = 9;

    /** The case with this text. */
    static OperationCase parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (matcher.matches()) {
            List<Integer> extents = Arrays.stream(matcher.group(2).split("x")).map(Integer::valueOf).toList();
            OperationCase found = Operation.of(matcher.group(1)).filter(it -> it.extents() == extents.size())
                .map(operation -> new OperationCase(operation, extents, matcher.group(3) != null)).orElse(null);
            if (found != null) {
                return found;
            }
        }
        throw new IllegalArgumentException("'" + text + "' is no operation such as 'softmax 4096x1024 gradient'");
    }

    int extent(int index) {
        return extents.get(index);
    }

    private double elements() {
        return extents.stream().mapToDouble(Integer::doubleValue).reduce(1, (a, b) -> a * b);
    }

    /** Bytes that have to cross main memory: what is read and what is written, once for each of the passes. */
    double bytes() {
        double size = Float.BYTES * elements();
        return switch (operation) {
            case ADD, CHAIN -> 3 * size;
            // Backward, dy and x or y are read and dx is written.
            case EXP, GELU, SOFTMAX, LOG_SOFTMAX, LAYER_NORM -> (gradient ? 5 : 2) * size;
            case SUM, SUM_ROWS, SUM_COLUMNS, ARGMAX_ROWS -> size;
            case CROSS_ENTROPY -> (gradient ? 3 : 1) * size;
            // What there is to move is little beside what there is to compute.
            case ATTENTION, CONV2D -> 0;
            // Backward, x and dy are read and dx is written.
            case DEPTHWISE -> (gradient ? 5 : 2) * size;
        };
    }

    /** Additions and multiplications, of operations that are made of products. */
    double operations() {
        return switch (operation) {
            // Two products forward, five backward, of which causality leaves half.
            case ATTENTION -> 2 * elements() * extent(2) * (gradient ? 3.5 : 1);
            case CONV2D, DEPTHWISE -> 2 * KERNEL_ELEMENTS * elements() * (gradient ? 3 : 1);
            case ADD, EXP, GELU, CHAIN, SUM, SUM_ROWS, SUM_COLUMNS, ARGMAX_ROWS, SOFTMAX, LOG_SOFTMAX, LAYER_NORM,
                CROSS_ENTROPY -> 0;
        };
    }

    Result.Rate rate() {
        return operation.isArithmetic() ? new Result.GigaFlops(operations()) : new Result.GigaBytes(bytes());
    }

    /** As peers are asked for it. */
    Map<String, String> toMap(int threads) {
        Map<String, String> map = new LinkedHashMap<>();
        map.put("kind", "operation");
        map.put("operation", operation.toString());
        map.put("extents", extents.stream().map(String::valueOf).collect(Collectors.joining("x")));
        map.put("gradient", Boolean.toString(gradient));
        map.put("threads", Integer.toString(threads));
        return map;
    }

    @Override
    public String toString() {
        return operation + " " + extents.stream().map(String::valueOf).collect(Collectors.joining("x"))
            + (gradient ? " gradient" : "");
    }
}
