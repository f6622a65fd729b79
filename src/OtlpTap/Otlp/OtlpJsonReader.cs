using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using OtlpTap.Wire;

namespace OtlpTap.Otlp;

/// <summary>
/// OTLP/JSON to protobuf: one pass over the document, fields written in the order in which they come. A name that comes
/// twice is written twice, and means on the wire what protobuf says of it: the last number or text counts, messages
/// merge, arrays join.
/// </summary>
internal ref struct OtlpJsonReader
{
    // The schema and a hundred AnyValues take 4 levels of JSON each and a dozen around them; the rest is for unknown
    // fields. The JSON reader keeps one bit for each level, so the bound is for its own sake.
    private const int JsonDepthMax = 1000;

    private static ReadOnlySpan<byte> ByteOrderMark => [0xef, 0xbb, 0xbf];

    private readonly ReadOnlySpan<byte> _document;

    // What stands before the document, for places in it.
    private readonly int _skipped;

    private readonly OtlpJsonRequestBuilder _request;
    private Utf8JsonReader _json;

    // Holds the text of one string at a time, where it is not taken from the document as it lies. Of the pool, or empty.
    private byte[] _scratch = [];

    // Whether the field that is read now has come before in its message.
    private bool _isAgain;

    private OtlpJsonError _error;

    // Steps from the wrong value outwards, gathered on the way back from it.
    private List<string>? _path;

    public OtlpJsonReader(ReadOnlySpan<byte> document, OtlpJsonRequestBuilder request)
    {
        // A byte order mark is not to be sent, and may be passed over (RFC 8259, 8.1): some text writers put one.
        _skipped = document.StartsWith(ByteOrderMark) ? ByteOrderMark.Length : 0;
        _document = document[_skipped..];
        _request = request;
        _json = new Utf8JsonReader(_document, new JsonReaderOptions { MaxDepth = JsonDepthMax });
    }

    public bool TryRead(OtlpJsonMessage message, out OtlpJsonError error)
    {
        bool isRead;
        try
        {
            _json.Read();
            isRead = ReadMessage(message, depth: 0);

            // Behind the object the reader allows for nothing but white space.
            isRead = isRead && !_json.Read();
        }
        catch (JsonException broken)
        {
            // The JSON reader has no other way to say it.
            error = new OtlpJsonError($"not well-formed JSON: {BrokenJson.ReasonOf(_document, broken)}", _skipped + BrokenJson.OffsetOf(_document, broken)) { IsBrokenJson = true };
            return false;
        }
        finally
        {
            ReturnScratch();
        }

        error = isRead ? default : _error with { Message = PathTo(message) + _error.Message };
        return isRead;
    }

    private bool ReadMessage(OtlpJsonMessage message, int depth)
    {
        if (_json.TokenType != JsonTokenType.StartObject)
        {
            return Expected("an object");
        }

        if (ReferenceEquals(message, OtlpJsonSchema.AnyValue) && ++depth > OtlpJson.AnyValueDepthMax)
        {
            return Fail($"values are nested deeper than {OtlpJson.AnyValueDepthMax} levels");
        }

        // One bit for each field that has come. A zero is as good as absent only where nothing came before it.
        var seen = 0u;
        while (_json.Read() && _json.TokenType != JsonTokenType.EndObject)
        {
            var field = message.Find(Text());
            _json.Read();
            if (field is null)
            {
                _json.Skip();
                continue;
            }

            if (_json.TokenType == JsonTokenType.Null)
            {
                continue;
            }

            _isAgain = (seen & (1u << field.Number)) != 0;
            seen |= 1u << field.Number;
            if (!ReadField(field, depth))
            {
                AddStep(field.Name.Value);
                return false;
            }
        }

        return true;
    }

    private bool ReadField(OtlpJsonField field, int depth)
    {
        var isRead = field.IsRepeated ? ReadArray(field, depth) : ReadValue(field, depth);
        return isRead && (!_request.IsOverfull || Fail("the request is larger than the limit at this point"));
    }

    private bool ReadArray(OtlpJsonField field, int depth)
    {
        if (_json.TokenType != JsonTokenType.StartArray)
        {
            return Expected("an array");
        }

        var packed = field.IsPackable ? _request.Open(field.Tag) : -1;
        for (var index = 0; _json.Read() && _json.TokenType != JsonTokenType.EndArray; index++)
        {
            var isRead = _json.TokenType == JsonTokenType.Null ? ReadNullElement(field) : ReadValue(field, depth);
            if (!isRead || _request.IsOverfull)
            {
                AddStep($"[{index}]");
                return isRead;
            }
        }

        if (packed >= 0)
        {
            _request.Close(packed);
        }

        return true;
    }

    /// <summary>An array value's element may be empty, and null is how JSON says so. All other arrays hold something.</summary>
    private bool ReadNullElement(OtlpJsonField field)
    {
        if (field.Type != OtlpJsonType.Message || !ReferenceEquals(field.Child, OtlpJsonSchema.AnyValue))
        {
            return Fail("null cannot stand in this array");
        }

        _request.WriteBytes(field.Tag, default);
        return true;
    }

    private bool ReadValue(OtlpJsonField field, int depth)
    {
        switch (field.Type)
        {
            case OtlpJsonType.Message:
                var mark = _request.Open(field.Tag);
                if (!ReadMessage(field.Child, depth))
                {
                    return false;
                }

                _request.Close(mark);
                return true;

            case OtlpJsonType.String:
            case OtlpJsonType.Bytes:
            case OtlpJsonType.HexId:
                return ReadString(field);

            default:
                return ReadNumber(field, out var bits) && WriteNumber(field, bits);
        }
    }

    private bool ReadString(OtlpJsonField field)
    {
        if (_json.TokenType != JsonTokenType.String)
        {
            return Expected("a string");
        }

        ReadOnlySpan<byte> value;
        switch (field.Type)
        {
            case OtlpJsonType.HexId:
                if (!TryDecodeHex(Text(), out value))
                {
                    return Fail("not hexadecimal digits, two for each byte");
                }

                break;

            case OtlpJsonType.Bytes:
                if (!TryDecodeBase64(Text(), out value))
                {
                    return Fail("not base64");
                }

                break;

            default:
                value = Text();
                if (!Utf8.IsValid(value))
                {
                    OtlpJsonText.Repair(value, _request.Reserve(field.Tag, OtlpJsonText.RepairedLength(value)));
                    return true;
                }

                break;
        }

        if (!value.IsEmpty || field.Cardinality != OtlpJsonCardinality.Singular || _isAgain)
        {
            _request.WriteBytes(field.Tag, value);
        }

        return true;
    }

    private bool ReadNumber(OtlpJsonField field, out ulong bits)
    {
        bits = 0;
        long signed;
        switch (field.Type)
        {
            case OtlpJsonType.Bool:
                bits = _json.TokenType == JsonTokenType.True ? 1UL : 0;
                return _json.TokenType is JsonTokenType.True or JsonTokenType.False || Expected("true or false");

            case OtlpJsonType.Double:
                return ReadDouble(out bits);

            case OtlpJsonType.Enum when _json.TokenType == JsonTokenType.String:
                return Fail("expected the number of an enum value, found a string (names are not part of OTLP/JSON)");
        }

        if (_json.TokenType is not (JsonTokenType.Number or JsonTokenType.String))
        {
            return Expected("an integer");
        }

        OtlpJsonNumberResult result;
        switch (field.Type)
        {
            case OtlpJsonType.Enum:
                result = OtlpJsonNumber.ReadSigned(Text(), int.MinValue, int.MaxValue, out signed);
                bits = (ulong)signed;
                break;

            case OtlpJsonType.SInt32:
                result = OtlpJsonNumber.ReadSigned(Text(), int.MinValue, int.MaxValue, out signed);
                bits = (uint)(((int)signed << 1) ^ ((int)signed >> 31));
                break;

            case OtlpJsonType.Int64:
            case OtlpJsonType.SFixed64:
                result = OtlpJsonNumber.ReadSigned(Text(), long.MinValue, long.MaxValue, out signed);
                bits = (ulong)signed;
                break;

            case OtlpJsonType.UInt32:
            case OtlpJsonType.Fixed32:
                result = OtlpJsonNumber.ReadUnsigned(Text(), uint.MaxValue, out bits);
                break;

            default:
                result = OtlpJsonNumber.ReadUnsigned(Text(), ulong.MaxValue, out bits);
                break;
        }

        return CheckNumber(result, "an integer");
    }

    private bool ReadDouble(out ulong bits)
    {
        bits = 0;
        var isString = _json.TokenType == JsonTokenType.String;
        if (!isString && _json.TokenType != JsonTokenType.Number)
        {
            return Expected("a number");
        }

        var text = Text();
        var result = OtlpJsonNumberResult.Read;
        double value;
        if (isString && text.SequenceEqual("NaN"u8))
        {
            value = double.NaN;
        }
        else if (isString && text.SequenceEqual("Infinity"u8))
        {
            value = double.PositiveInfinity;
        }
        else if (isString && text.SequenceEqual("-Infinity"u8))
        {
            value = double.NegativeInfinity;
        }
        else
        {
            result = OtlpJsonNumber.ReadDouble(text, out value);
        }

        bits = BitConverter.DoubleToUInt64Bits(value);
        return CheckNumber(result, "a number");
    }

    private bool CheckNumber(OtlpJsonNumberResult result, string expected) => result switch
    {
        OtlpJsonNumberResult.Read => true,
        OtlpJsonNumberResult.NotANumber => Fail($"the string is not {expected}"),
        OtlpJsonNumberResult.NotWhole => Fail("the number is not an integer"),
        _ => Fail("the number is out of the range of its type"),
    };

    private readonly bool WriteNumber(OtlpJsonField field, ulong bits)
    {
        if (bits == 0 && field.Cardinality == OtlpJsonCardinality.Singular && !_isAgain)
        {
            return true;
        }

        if (!field.IsPackable)
        {
            _request.WriteVarint(field.Tag);
        }

        switch (field.WireType)
        {
            case WireType.Fixed64:
                _request.WriteFixed64(bits);
                break;

            case WireType.Fixed32:
                _request.WriteFixed32((uint)bits);
                break;

            default:
                _request.WriteVarint(bits);
                break;
        }

        return true;
    }

    private bool TryDecodeHex(ReadOnlySpan<byte> digits, out ReadOnlySpan<byte> bytes)
    {
        var decoded = Scratch(digits.Length);
        var isHex = Convert.FromHexString(digits, decoded, out _, out var length) == OperationStatus.Done;
        bytes = decoded.AsSpan(0, length);
        return isHex;
    }

    private bool TryDecodeBase64(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> bytes)
    {
        var buffer = Scratch(text.Length + 3);
        text.CopyTo(buffer);
        var isBase64 = OtlpJsonText.TryDecodeBase64(buffer, text.Length, out var length);
        bytes = buffer.AsSpan(0, length);
        return isBase64;
    }

    /// <summary>The current name, string or number: in the document as it lies or, with escapes, resolved into the scratch buffer.</summary>
    private ReadOnlySpan<byte> Text()
    {
        if (!_json.ValueIsEscaped)
        {
            return _json.ValueSpan;
        }

        var buffer = Scratch(_json.ValueSpan.Length);
        return buffer.AsSpan(0, OtlpJsonText.Unescape(_json.ValueSpan, buffer));
    }

    private byte[] Scratch(int length)
    {
        if (_scratch.Length < length)
        {
            ReturnScratch();
            _scratch = ArrayPool<byte>.Shared.Rent(length);
        }

        return _scratch;
    }

    private void ReturnScratch()
    {
        if (_scratch.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_scratch);
            _scratch = [];
        }
    }

    private bool Expected(string expected) => Fail($"expected {expected}, found {Name(_json.TokenType)}");

    private bool Fail(string message)
    {
        _error = new OtlpJsonError(message, _skipped + _json.TokenStartIndex);
        return false;
    }

    private void AddStep(string step) => (_path ??= []).Add(step);

    // resourceSpans[0].scopeSpans[2].spans[7].traceId
    private readonly string PathTo(OtlpJsonMessage message)
    {
        if (_path is null)
        {
            return $"{message.Name}: ";
        }

        var path = new StringBuilder();
        for (var i = _path.Count - 1; i >= 0; i--)
        {
            path.Append(path.Length > 0 && _path[i][0] != '[' ? "." : "").Append(_path[i]);
        }

        return path.Append(": ").ToString();
    }

    private static string Name(JsonTokenType token) => token switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => "a string",
        JsonTokenType.Number => "a number",
        JsonTokenType.Null => "null",
        _ => "true or false",
    };
}
