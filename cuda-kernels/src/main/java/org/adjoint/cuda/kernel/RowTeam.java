package org.adjoint.cuda.kernel;

import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Source;
import org.adjoint.graph.DType;

/** Which threads share a row. The constants are those of {@code rows.cuh}. */
enum RowTeam {
    /** A warp holds the row in registers; a block has eight. */
    WARP("warp"),
    /** A block holds the row in registers. */
    BLOCK("block"),
    /** A block reads the row as often as it needs it. */
    LONG("long");

    /** Threads of a block. */
    static final int THREADS = 256;
    static final int WARP_THREADS = 32;
    private static final int REGISTER_BYTES = 128;
    /** Elements of a row in a thread's registers are a multiple of this, lest there be a program for every width. */
    static final int LEAST_VALUES = 8;

    private final String suffix;

    RowTeam(String suffix) {
        this.suffix = suffix;
    }

    /** For rows of so many elements, computed in {@code dtype}'s compute type. */
    static RowTeam of(DType dtype, long width) {
        long values = REGISTER_BYTES / dtype.computeType().bytes();
        return width <= WARP_THREADS * values ? WARP : width <= THREADS * values ? BLOCK : LONG;
    }

    /** The kernel {@code name_team_dtype} over so many rows. */
    Launch launch(Source source, String name, DType dtype, long rows, Argument... arguments) {
        int rowsPerBlock = this == WARP ? THREADS / WARP_THREADS : 1;
        return Launch.of(source, teamSymbol(name, dtype), blocks(rows, rowsPerBlock), THREADS, arguments);
    }

    /** What the kernel {@code name} of this team is called. */
    String teamSymbol(String name, DType dtype) {
        return symbol(name + "_" + suffix, dtype);
    }

    /** What {@code SYMBOL(name, T)} is in a kernel source. */
    static String symbol(String name, DType dtype) {
        return name + "_" + dtype.text();
    }

    /** How many blocks cover {@code count}. */
    static long blocks(long count, long perBlock) {
        return (count + perBlock - 1) / perBlock;
    }

    /** Elements of a row of so many that a thread holds in registers; any number would do where it holds none. */
    static int values(DType dtype, long width) {
        return switch (of(dtype, width)) {
            case WARP -> values(width, WARP_THREADS);
            case BLOCK -> values(width, THREADS);
            case LONG -> LEAST_VALUES;
        };
    }

    private static int values(long width, int threads) {
        return Math.toIntExact(LEAST_VALUES * blocks(Math.max(1, width), (long) LEAST_VALUES * threads));
    }

    /**
     * A source compiled for {@code dtype}, loads of so many elements, so many in registers, and further definitions:
     * names and dtypes.
     */
    static Source source(String file, DType dtype, int vector, int values, Map<String, DType> dtypes) {
        Stream<Map.Entry<String, String>> fixed = Stream.of(Map.entry("T", dtype.text()),
            Map.entry("VECTOR", Integer.toString(vector)), Map.entry("VALUES", Integer.toString(values)));
        Stream<Map.Entry<String, String>> further =
            dtypes.entrySet().stream().map(entry -> Map.entry(entry.getKey(), entry.getValue().text()));
        return Source.ofFile(file,
            Stream.concat(fixed, further).collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue)));
    }

    /** A number in {@code dtype}'s compute type. */
    static Argument number(DType dtype, double value) {
        return dtype.computeType() == DType.F64 ? Argument.of(value) : Argument.of((float) value);
    }
}
