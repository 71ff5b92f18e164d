package org.adjoint.cuda.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Prepared;
import org.adjoint.cuda.launch.Source;
import org.adjoint.graph.DType;
import org.adjoint.graph.FusedOp;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Kernels over rows, and the optimizer's, compile for real cards without warnings and spills; where nvcc is. */
class RowKernelsCompileTest {
    private static final Pattern SPILL = Pattern.compile("[1-9][0-9]* bytes spill");

    @TempDir
    private Path folder;

    @BeforeAll
    static void find() throws InterruptedException {
        try {
            new ProcessBuilder("nvcc", "--version").redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor();
        } catch (IOException e) {
            Assumptions.abort("SKIPPED: nvcc is not installed");
        }
    }

    /** Rows of 1,024, loaded by 16 bytes, and of 1,022 and 1,023, loaded by two elements and one. */
    @ParameterizedTest
    @CsvSource({"75, BF16, 1024", "75, F32, 1023", "80, F16, 1024", "80, BF16, 1023", "80, F64, 1023", "90, BF16, 1024",
        "90, F32, 1022", "90, F32, 1023", "90, F64, 1024", "100, BF16, 1024", "100, F32, 1023", "100, F64, 1023"})
    void withoutSpills(int architecture, DType dtype, int width) throws IOException, InterruptedException {
        View rows = View.contiguous(0, dtype, Shape.of(64, width));
        View vector = View.contiguous(1, dtype, Shape.of(width));
        View statistic = View.contiguous(2, dtype.computeType(), Shape.of(64));
        View targets = View.contiguous(3, DType.I32, Shape.of(64));
        View state = View.contiguous(4, dtype.computeType(), Shape.of(64, width));
        View scalar = View.contiguous(5, DType.F32, Shape.SCALAR);
        FusedOp.LayerNorm layerNorm = new FusedOp.LayerNorm(1e-5);
        FusedOp.RmsNorm rmsNorm = new FusedOp.RmsNorm(1e-5);
        List<View> updated = List.of(rows, state, state, state);
        List<Prepared> all = List.of(
            SoftmaxKernel.prepare(step(new FusedOp.Softmax(), List.of(rows), rows), false),
            CrossEntropyKernel.prepare(step(new FusedOp.CrossEntropy(), List.of(rows, targets), statistic, statistic)),
            LayerNormKernel.prepare(step(layerNorm, List.of(rows, vector, vector), rows, statistic, statistic),
                layerNorm),
            RmsNormKernel.prepare(step(rmsNorm, List.of(rows, vector), rows, statistic), rmsNorm),
            AdamWKernel.prepare(List.of(step(new FusedOp.AdamWUpdate(0.9, 0.99, 1e-8, 0.1),
                List.of(rows, state, state, rows, scalar, scalar, scalar, state), updated.toArray(View[]::new)))));
        for (Prepared prepared : all) {
            Source source = ((Launch) prepared.work().getFirst()).source();
            String output = compile(source, architecture);
            assertTrue(output.contains("Compiling entry function"), output);
            assertEquals(List.of(),
                output.lines().filter(line -> line.contains("warning") || SPILL.matcher(line).find()).toList());
        }
    }

    private static PlanStep.Kernel step(Op op, List<View> inputs, View... outputs) {
        return new PlanStep.Kernel(op, inputs, List.of(outputs));
    }

    private String compile(Source source, int architecture) throws IOException, InterruptedException {
        for (String header : source.headers()) {
            Files.writeString(folder.resolve(header), Source.text(header));
        }
        Files.writeString(folder.resolve(source.name()), source.text());
        List<String> command = new ArrayList<>(List.of("nvcc", "--fmad=false", "-std=c++17", "-cubin",
            "-arch=sm_" + architecture, "-Xptxas", "-v,-warn-spills", "-o", "out.cubin"));
        command.addAll(source.options());
        command.add(source.name());
        Process process = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        return output;
    }
}
