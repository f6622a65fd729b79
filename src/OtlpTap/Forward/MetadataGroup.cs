using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>The waiting requests that may travel together, first come first out; any of them can be taken out when its agent leaves.</summary>
internal sealed class MetadataGroup(RequestMetadata metadata)
{
    private ForwardRequest? _last;

    public RequestMetadata Metadata { get; } = metadata;

    public ForwardRequest? First { get; private set; }

    public void Append(ForwardRequest request)
    {
        request.Group = this;
        request.Previous = _last;
        if (_last is null)
        {
            First = request;
        }
        else
        {
            _last.Next = request;
        }

        _last = request;
    }

    public void Remove(ForwardRequest request)
    {
        if (request.Previous is null)
        {
            First = request.Next;
        }
        else
        {
            request.Previous.Next = request.Next;
        }

        if (request.Next is null)
        {
            _last = request.Previous;
        }
        else
        {
            request.Next.Previous = request.Previous;
        }

        request.Group = null;
        request.Previous = null;
        request.Next = null;
    }
}
