package org.adjoint.cuda;

import java.util.List;
import java.util.Map;
import org.adjoint.backend.Backend;
import org.adjoint.backend.DeviceDriver;
import org.adjoint.backend.DeviceReport;
import org.adjoint.backend.DeviceUnavailableException;
import org.adjoint.cuda.driver.CudaException;
import org.adjoint.cuda.driver.Gpu;
import org.adjoint.cuda.driver.GpuInfo;
import org.adjoint.cuda.driver.Libraries;

/**
 * NVIDIA cards: {@code cuda} or {@code cuda:0}, {@code cuda:1} and so on. Options, each with the system property and
 * the environment variable that give its default:
 *
 * <table>
 * <caption>Options</caption>
 * <tr><th>option</th><th>property</th><th>variable</th><th>meaning</th></tr>
 * <tr><td>{@code pooling}</td><td>{@code adjoint.cuda.pooling}</td><td>{@code ADJOINT_CUDA_POOLING}</td>
 *     <td>keeps freed memory for later requests; true</td></tr>
 * <tr><td>{@code graphs}</td><td>{@code adjoint.cuda.graphs}</td><td>{@code ADJOINT_CUDA_GRAPHS}</td>
 *     <td>replays repeated runs as CUDA graphs; true</td></tr>
 * <tr><td>{@code tf32}</td><td>{@code adjoint.cuda.tf32}</td><td>{@code ADJOINT_CUDA_TF32}</td>
 *     <td>lets products of {@code F32} matrices round operands to 10 bits of fraction, on tensor cores; false</td></tr>
 * <tr><td>{@code separateIntermediates}</td><td>{@code adjoint.cuda.separateIntermediates}</td>
 *     <td>{@code ADJOINT_CUDA_SEPARATE_INTERMEDIATES}</td>
 *     <td>one allocation per intermediate, for tools that check memory; false</td></tr>
 * <tr><td>{@code blocking}</td><td>{@code adjoint.cuda.blocking}</td><td>{@code ADJOINT_CUDA_BLOCKING}</td>
 *     <td>waits for each launch, so that a failing kernel is named; false</td></tr>
 * </table>
 *
 * <p>The property {@code adjoint.cuda.libraries} (the variable {@code ADJOINT_CUDA_LIBRARIES}) names folders to look
 * for CUDA's libraries in before all others, {@code adjoint.cuda.cache} ({@code ADJOINT_CUDA_CACHE}) the folder of
 * compiled kernels.
 */
public final class CudaBackend implements Backend {
    /** Made by {@link java.util.ServiceLoader}. */
    public CudaBackend() { }

    @Override
    public String name() {
        return "cuda";
    }

    @Override
    public int priority() {
        return 10;
    }

    @Override
    public List<DeviceReport> probe() {
        Libraries libraries;
        List<GpuInfo> cards;
        try {
            libraries = Libraries.load();
            cards = Gpu.list(libraries);
        } catch (DeviceUnavailableException | CudaException e) {
            List<String> lines = e.getMessage().lines().toList();
            return List.of(new DeviceReport("cuda", false, lines.getFirst(), lines.subList(1, lines.size())));
        }
        return cards.stream().map(card -> new DeviceReport(card.ordinal() == 0 ? "cuda" : "cuda:" + card.ordinal(),
            card.problem() == null, card.problem() == null ? card.description() : card.problem(),
            libraries.details())).toList();
    }

    @Override
    public DeviceDriver open(int ordinal, Map<String, String> options) {
        CudaOptions parsed = CudaOptions.of(options);
        try {
            return new CudaDevice(Gpu.open(Libraries.load(), ordinal, parsed.gpu()), parsed);
        } catch (CudaException e) {
            throw new DeviceUnavailableException(e.getMessage(), e);
        }
    }
}
