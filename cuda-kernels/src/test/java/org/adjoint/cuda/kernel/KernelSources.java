package org.adjoint.cuda.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.adjoint.cuda.launch.Source;
import org.adjoint.graph.DType;

/** Every file of kernels with definitions that the backend compiles it with; of many alike, some. */
final class KernelSources {
    private static final List<DType> FLOATS = List.of(DType.F32, DType.BF16, DType.F16, DType.F64);

    private final List<Source> sources = new ArrayList<>();

    private KernelSources() { }

    /** Whether the backend compiles it for this architecture: tensor cores of ours are those from sm_80 on. */
    static boolean isFor(int architecture, Source source) {
        return architecture >= 80 || !source.name().equals("attention_mma.cu");
    }

    static List<Source> all() {
        KernelSources all = new KernelSources();
        all.rows();
        all.attention();
        all.indexing();
        all.optimizer();
        for (DType dtype : List.of(DType.U8, DType.I64, DType.F32, DType.BF16)) {
            all.sources.add(ArgReduceKernel.source(dtype, 1));
            all.sources.add(ArgReduceKernel.source(dtype, 16 / dtype.bytes()));
            all.add("iota.cu", CNames.asT(dtype));
            all.add("search_sorted.cu", CNames.asT(dtype));
        }
        all.add("integer_matmul.cu", CNames.asT(DType.I32));
        all.add("integer_matmul.cu", CNames.asT(DType.I64));
        for (String unit : List.of("u8", "f16", "i32", "i64")) {
            all.add("transpose.cu", Map.of("T", unit, "SIDE", "1"));
            if (!unit.equals("i64")) {
                all.add("transpose.cu", Map.of("T", unit, "SIDE", unit.equals("u8") ? "4" : "2"));
            }
        }
        all.add("matrices.cu", CNames.asT(DType.F32));
        all.add("matrices.cu", CNames.asT(DType.F64));
        all.add("random_bits.cu", Map.of());
        all.add("nothing.cu", Map.of());
        all.add("deliver.cu", Map.of());
        return all.sources;
    }

    /** As wide as accesses get, one by one, and some in between; with fewest and most elements in registers. */
    private void rows() {
        for (DType dtype : FLOATS) {
            int most = 128 / dtype.computeType().bytes();
            for (int vector : new int[] {16 / dtype.bytes(), 1}) {
                rows(dtype, vector, most);
                sources.add(RowTeam.source("cross_entropy.cu", dtype, vector, 8, Map.of("I", DType.I32)));
            }
            rows(dtype, 16 / dtype.bytes(), 8);
        }
        rows(DType.F32, 2, 32);
        // A transformer's, of width 768.
        rows(DType.F32, 4, 24);
        rows(DType.BF16, 8, 24);
        sources.add(RowTeam.source("layer_norm.cu", DType.BF16, 8, 24, Map.of("P", DType.F32)));
        sources.add(RowTeam.source("cross_entropy.cu", DType.F32, 4, 8, Map.of("I", DType.I64)));
    }

    private void rows(DType dtype, int vector, int values) {
        sources.add(RowTeam.source("softmax.cu", dtype, vector, values, Map.of()));
        sources.add(RowTeam.source("layer_norm.cu", dtype, vector, values, Map.of("P", dtype)));
        sources.add(RowTeam.source("rms_norm.cu", dtype, vector, values, Map.of("P", dtype)));
    }

    private void attention() {
        for (DType dtype : FLOATS) {
            for (int width : dtype == DType.F64 ? new int[] {32, 64} : new int[] {32, 64, 128}) {
                sources.add(AttentionKernel.source(dtype, null, width));
            }
            add("attention.cu", Map.of("T", dtype.text(), "WIDTH", "64", "B", dtype.text()));
        }
        for (DType dtype : List.of(DType.BF16, DType.F16)) {
            for (int head : new int[] {32, 64, 128}) {
                add("attention_mma.cu", Map.of("T", dtype.text(), "HEAD", Integer.toString(head)));
            }
        }
    }

    private void indexing() {
        for (String index : List.of("i32", "i64")) {
            for (int unit : new int[] {1, 2, 4, 8, 16}) {
                add("gather.cu", Map.of("T", "bytes" + unit, "I", index));
            }
            add("scatter_keys.cu", Map.of("K", "i32", "I", index));
            add("scatter_keys.cu", Map.of("K", "i64", "I", index));
        }
        for (int unit : new int[] {1, 2, 4, 8, 16}) {
            add("window.cu", Map.of("T", "bytes" + unit));
        }
        for (DType dtype : List.of(DType.F32, DType.BF16, DType.F64, DType.I64)) {
            add("scatter_once.cu", Map.of("T", dtype.text(), "I", "i32"));
            sources.add(ScatterAddKernel.source(dtype, "u32", 1));
            sources.add(ScatterAddKernel.source(dtype, "u64", 16 / dtype.bytes()));
        }
        add("scatter_last.cu", Map.of("T", "bytes1", "K", "u64"));
        add("scatter_last.cu", Map.of("T", "bytes16", "K", "u32"));
        add("radix_sort.cu", Map.of("K", "i32"));
        add("radix_sort.cu", Map.of("K", "i64"));
        for (DType dtype : DType.values()) {
            add("argsort.cu", Map.of("T", CNames.of(dtype), "K", dtype.bytes() == Long.BYTES ? "u64" : "u32"));
        }
        add("argsort.cu", Map.of("T", "f32", "K", "u64"));
        for (DType dtype : List.of(DType.F32, DType.BF16, DType.I64)) {
            cumulative(dtype, "Sum", 1);
            cumulative(dtype, "Sum", 16 / dtype.bytes());
        }
        cumulative(DType.F64, "Prod", 2);
        cumulative(DType.U8, "ArgMax", 1);
        cumulative(DType.U8, "ArgMax", 16);
        cumulative(DType.F16, "ArgMin", 8);
        cumulative(DType.F64, "Linear", 1);
        cumulative(DType.BF16, "Linear", 8);
    }

    private void cumulative(DType dtype, String function, int vector) {
        add("cumulative.cu", Map.of("T", dtype.text(), "FUNCTION", function, "VECTOR", Integer.toString(vector)));
    }

    private void optimizer() {
        for (DType dtype : FLOATS) {
            String compute = dtype.computeType().text();
            add("adamw.cu", Map.of("T", dtype.text(), "M", compute, "G", dtype.text(), "S", compute, "MASTERED", "0"));
        }
        add("adamw.cu", Map.of("T", "bf16", "M", "f32", "G", "bf16", "S", "f32", "MASTERED", "1"));
        add("adamw.cu", Map.of("T", "f16", "M", "f32", "G", "f32", "S", "f32", "MASTERED", "1"));
    }

    private void add(String file, Map<String, String> definitions) {
        sources.add(Source.ofFile(file, definitions));
    }
}
