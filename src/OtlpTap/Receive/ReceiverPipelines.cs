using OtlpTap.Pipeline;

namespace OtlpTap.Receive;

/// <summary>The pipelines of one receiver, which all its listeners share; a reload exchanges them all at once.</summary>
internal sealed class ReceiverPipelines(ExportPipelines pipelines)
{
    private volatile ExportPipelines _current = pipelines;

    /// <summary>Asked for once for each request, when its message is there: what came slowly goes to the pipelines of that moment.</summary>
    public ExportPipelines Current
    {
        get => _current;
        set => _current = value;
    }
}
