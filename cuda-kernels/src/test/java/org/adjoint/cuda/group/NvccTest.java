package org.adjoint.cuda.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.adjoint.cuda.Nvcc;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Prepared;
import org.adjoint.cuda.launch.Source;
import org.adjoint.cuda.launch.Work;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.ReduceOp;
import org.adjoint.graph.Shape;
import org.adjoint.graph.UnaryOp;
import org.adjoint.plan.Group;
import org.adjoint.plan.Instruction;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Groups compile for real cards, without warnings and without spills, and move 16 bytes at once; where nvcc is. */
class NvccTest {
    private static final int RANDOM_STEPS = 10;
    private static final Pattern SPILL = Pattern.compile("[1-9][0-9]* bytes spill");

    @TempDir
    private Path folder;

    @BeforeAll
    static void find() throws InterruptedException {
        Nvcc.require();
    }

    /** Several groups as one program, each in a namespace of its own. */
    private static String program(Map<String, Source> sources) {
        String include = "#include \"group.cuh\"\n";
        StringBuilder text = new StringBuilder(include);
        sources.forEach((kernel, source) -> text.append("namespace of_").append(kernel).append(" {\n")
            .append(source.text().replace(include, "")).append("}\n"));
        return text.toString();
    }

    private String compile(String text, String... options) throws IOException, InterruptedException {
        for (String header : new Source("groups.cu", text, Map.of()).headers()) {
            Files.writeString(folder.resolve(header), Source.text(header));
        }
        Files.writeString(folder.resolve("groups.cu"), text);
        List<String> command = new ArrayList<>(List.of("nvcc", "--fmad=false", "-std=c++17", "-o", "groups.out"));
        command.addAll(List.of(options));
        command.add("groups.cu");
        Process process = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        return output;
    }

    @ParameterizedTest
    @ValueSource(ints = {75, 80, 90, 100})
    void randomGroupsCompileWithoutWarningsAndSpills(int architecture) throws IOException, InterruptedException {
        Map<String, Source> sources = new TreeMap<>();
        for (int seed = 0; seed < RANDOM_STEPS; seed++) {
            Prepared prepared = new GroupCompiler().prepare(new RandomGroup(seed).step);
            for (Work work : prepared.work()) {
                if (work instanceof Launch launch && launch.source().text().contains("group.cuh")) {
                    sources.putIfAbsent(launch.source().name().replace(".cu", ""), launch.source());
                }
            }
        }
        PlanStep.Elementwise transcendental = step(List.of(UnaryOp.SIN, UnaryOp.TANH, UnaryOp.ERF), DType.F64);
        Launch launch = (Launch) new GroupCompiler().prepare(transcendental).work().getFirst();
        sources.put(launch.function(), launch.source());
        for (DType dtype : List.of(DType.F32, DType.BF16, DType.F64)) {
            Launch transposed = (Launch) new GroupCompiler().prepare(transposed(dtype)).work().getFirst();
            sources.put(transposed.function(), transposed.source());
        }
        Launch tensors = tensors(DType.F32);
        sources.put(tensors.function(), tensors.source());
        String output = compile(program(sources), "-cubin", "-arch=sm_" + architecture, "-Xptxas",
            "-v,-warn-spills");
        assertTrue(output.contains("Compiling entry function"), output);
        assertEquals(List.of(), output.lines().filter(line -> line.contains("warning") || SPILL.matcher(line).find())
            .toList());
    }

    @ParameterizedTest
    @ValueSource(strings = {"F32", "BF16", "F64"})
    void contiguousOperandsMove16Bytes(String dtype) throws IOException, InterruptedException {
        Launch launch = (Launch) new GroupCompiler().prepare(step(List.of(UnaryOp.NEG), DType.parse(dtype))).work()
            .getFirst();
        compile(launch.source().text(), "-ptx", "-arch=sm_90");
        String assembly = Files.readString(folder.resolve("groups.out"));
        String access = dtype.equals("F64") ? "\\.v2\\.f64" : dtype.equals("F32") ? "\\.v4\\.f32" : "\\.v4\\.u32";
        assertTrue(Pattern.compile("ld\\.global[.a-z]*" + access).matcher(assembly).find(), assembly);
        assertTrue(Pattern.compile("st\\.global[.a-z]*" + access).matcher(assembly).find(), assembly);
    }

    @ParameterizedTest
    @ValueSource(strings = {"F32", "BF16", "F64"})
    void manyTensorsMove16Bytes(String dtype) throws IOException, InterruptedException {
        compile(tensors(DType.parse(dtype)).source().text(), "-ptx", "-arch=sm_90");
        String assembly = Files.readString(folder.resolve("groups.out"));
        String access = dtype.equals("F64") ? "\\.v2\\.f64" : dtype.equals("F32") ? "\\.v4\\.f32" : "\\.v4\\.u32";
        assertTrue(Pattern.compile("ld\\.[.a-z]*" + access).matcher(assembly).find(), assembly);
        assertTrue(Pattern.compile("st\\.[.a-z]*" + access).matcher(assembly).find(), assembly);
        assertFalse(assembly.contains(".local"), "the table of tensors is copied: " + assembly);
    }

    private static Launch tensors(DType dtype) {
        PlanStep.Elementwise step = step(List.of(UnaryOp.NEG), dtype);
        return (Launch) new GroupCompiler().prepare(List.of(step, step)).work().getFirst();
    }

    @Test
    void columnsMove16Bytes() throws IOException, InterruptedException {
        long[] extents = {256, 1000};
        Group group = new Group(List.of(DType.F32), List.of(), List.of(new Instruction.Load(0, DType.F32)),
            List.of(new Group.Result(0, DType.F32, ReduceOp.SUM)));
        PlanStep.Elementwise step = new PlanStep.Elementwise(group, extents, 1,
            List.of(new View(0, DType.F32, Shape.of(extents), new long[] {1, 256}, 0)),
            List.of(new View(1, DType.F32, Shape.of(extents), new long[] {1, 0}, 0)), new int[0]);
        compile(((Launch) new GroupCompiler().prepare(step).work().getFirst()).source().text(), "-ptx", "-arch=sm_90");
        String assembly = Files.readString(folder.resolve("groups.out"));
        assertTrue(Pattern.compile("ld\\.global[.a-z]*\\.v4\\.f32").matcher(assembly).find(), assembly);
    }

    /** The sum of a tensor and a transposed one. */
    private static PlanStep.Elementwise transposed(DType dtype) {
        long[] extents = {64, 96};
        PlanStep.Elementwise sum = step(List.of(), dtype);
        Shape shape = Shape.of(extents);
        return new PlanStep.Elementwise(sum.group(), extents, 0,
            List.of(new View(0, dtype, shape, new long[] {1, 64}, 0), View.contiguous(1, dtype, shape)),
            List.of(View.contiguous(2, dtype, shape)), new int[0]);
    }

    /** A chain of ops over contiguous tensors, added to a second one. */
    private static PlanStep.Elementwise step(List<UnaryOp> ops, DType dtype) {
        DType computed = dtype.computeType();
        List<Instruction> body = new ArrayList<>(List.of(new Instruction.Load(0, computed),
            new Instruction.Load(1, computed)));
        int last = 0;
        for (UnaryOp op : ops) {
            body.add(new Instruction.Unary(op, last, computed));
            last = body.size() - 1;
        }
        body.add(new Instruction.Binary(BinaryOp.ADD, last, 1, computed));
        Group group = new Group(List.of(dtype, dtype), List.of(), body,
            List.of(new Group.Result(body.size() - 1, dtype, null)));
        return new PlanStep.Elementwise(group, new long[] {4098}, 0,
            List.of(StepRun.contiguous(0, dtype, 4098), StepRun.contiguous(1, dtype, 4098)),
            List.of(StepRun.contiguous(2, dtype, 4098)), new int[0]);
    }
}
