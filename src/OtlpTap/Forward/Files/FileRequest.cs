using OtlpTap.Buffers;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Files;

/// <summary>One request on its way into the file; its task is what the sender waits for.</summary>
/// <param name="leaving">The sender does not wait any more: what is not written yet need not be, the sender will come again.</param>
internal sealed class FileRequest(Signal signal, Payload payload, CancellationToken leaving)
    : TaskCompletionSource<ExportReply>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public Signal Signal => signal;

    /// <summary>Not to be read after <see cref="EndBytes"/>.</summary>
    public Payload Payload => payload;

    public int Items { get; } = payload.ItemCount;

    public bool HasLeft => leaving.IsCancellationRequested;

    public void EndBytes()
    {
        payload.ReturnCredit();
        payload.Release();
    }
}
