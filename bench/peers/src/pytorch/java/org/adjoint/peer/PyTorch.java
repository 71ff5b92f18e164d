package org.adjoint.peer;

import java.util.Map;
import java.util.function.Function;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/**
 * PyTorch's C++ library. What is asked for: {@code threads} and a {@code kind}: {@code gemm} with {@code type}
 * ({@code f32} or {@code f64}), {@code transposes}, {@code m}, {@code n}, {@code k}; {@code operation}, one by its name
 * {@code operation}, of size {@code extents} ({@code 4096x1024}), with gradients where {@code gradient} is
 * {@code true}; or {@code step}, a training step of a GPT, with {@code layers}, {@code heads}, {@code width},
 * {@code vocabulary}, {@code context} and {@code batch}.
 */
public final class PyTorch implements Function<Map<String, String>, Runnable> {
    @Override
    public Runnable apply(Map<String, String> asked) {
        torch.set_num_threads(Integer.parseInt(asked.get("threads")));
        torch.manual_seed(1);
        return switch (asked.get("kind")) {
            case "gemm" -> product(asked);
            case "operation" -> new Operation(asked)::run;
            case "step" -> new Gpt(asked)::step;
            default -> throw new IllegalArgumentException("pytorch has no " + asked.get("kind"));
        };
    }

    private static Runnable product(Map<String, String> asked) {
        TensorOptions options = new TensorOptions(
            asked.get("type").equals("f64") ? torch.ScalarType.Double : torch.ScalarType.Float);
        long m = Long.parseLong(asked.get("m"));
        long n = Long.parseLong(asked.get("n"));
        long k = Long.parseLong(asked.get("k"));
        Tensor a = matrix(m, k, asked.get("transposes").charAt(0) == 'T', options);
        Tensor b = matrix(k, n, asked.get("transposes").charAt(1) == 'T', options);
        Tensor c = matrix(m, n, false, options);
        return () -> {
            try (PointerScope scope = new PointerScope()) {
                torch.mm_out(c, a, b);
            }
        };
    }

    private static Tensor matrix(long rows, long columns, boolean transposed, TensorOptions options) {
        return transposed ? torch.randn(new long[] {columns, rows}, options).t()
            : torch.randn(new long[] {rows, columns}, options);
    }

    /** Normal with deviation 0.02, as GPT-2's weights start. */
    static Tensor weight(long... shape) {
        try (Scalar deviation = new Scalar(0.02)) {
            return torch.randn(shape).mul_(deviation).requires_grad_(true);
        }
    }
}
