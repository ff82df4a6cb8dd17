//! Attributes of T-Library messages: one row per id, with the class of the value.

use super::ValueClass;
use super::macros::wire_enum;

wire_enum! {
    /// Id of an attribute of a T-Library message.
    ///
    /// Spec: T-Library reference §2
    pub struct AttributeId(u16) {
        /// `AttributeProtocolVersion`, id 0, str (inferred).
        PROTOCOL_VERSION = 0 => "ProtocolVersion",
        /// `AttributeErrorMessage`, id 1, str (type of the interface).
        ERROR_MESSAGE = 1 => "ErrorMessage",
        /// `AttributeReferenceID`, id 2, int (seen in a log).
        REFERENCE_ID = 2 => "ReferenceID",
        /// `AttributeCallID`, id 3, int (seen in a log).
        CALL_ID = 3 => "CallID",
        /// `AttributeNodeID`, id 4, int (type of the interface).
        NODE_ID = 4 => "NodeID",
        /// `AttributeNetworkCallID`, id 5, int (type of the interface).
        NETWORK_CALL_ID = 5 => "NetworkCallID",
        /// `AttributeNetworkNodeID`, id 6, int (type of the interface).
        NETWORK_NODE_ID = 6 => "NetworkNodeID",
        /// `AttributeTransferredNetworkCallID`, id 7, int (type of the interface).
        TRANSFERRED_NETWORK_CALL_ID = 7 => "TransferredNetworkCallID",
        /// `AttributeTransferredNetworkNodeID`, id 8, int (type of the interface).
        TRANSFERRED_NETWORK_NODE_ID = 8 => "TransferredNetworkNodeID",
        /// `AttributeConnID`, id 9, long (seen in a log).
        CONN_ID = 9 => "ConnID",
        /// `AttributePreviousConnID`, id 10, long (type of the interface).
        PREVIOUS_CONN_ID = 10 => "PreviousConnID",
        /// `AttributeTransferConnID`, id 11, long (inferred).
        TRANSFER_CONN_ID = 11 => "TransferConnID",
        /// `AttributeConferenceConnID`, id 12, long (inferred).
        CONFERENCE_CONN_ID = 12 => "ConferenceConnID",
        /// `AttributeCallState`, id 13, int (type of the interface).
        CALL_STATE = 13 => "CallState",
        /// `AttributeAgentID`, id 14, str (type of the interface).
        AGENT_ID = 14 => "AgentID",
        /// `AttributeAgentStateReasonUnused`, id 15, int (inferred).
        AGENT_STATE_REASON_UNUSED = 15 => "AgentStateReasonUnused",
        /// `AttributeAgentWorkMode`, id 16, int (type of the interface).
        AGENT_WORK_MODE = 16 => "AgentWorkMode",
        /// `AttributeReason`, id 17, kv (seen in a log).
        REASON = 17 => "Reason",
        /// `AttributeDNIS`, id 18, str (seen in a log).
        DNIS = 18 => "DNIS",
        /// `AttributeANI`, id 19, str (type of the interface).
        ANI = 19 => "ANI",
        /// `AttributeThisDN`, id 20, str (seen in a log).
        THIS_DN = 20 => "ThisDN",
        /// `AttributeThisQueue`, id 21, str (seen in a log).
        THIS_QUEUE = 21 => "ThisQueue",
        /// `AttributeThisTrunk`, id 22, int (type of the interface).
        THIS_TRUNK = 22 => "ThisTrunk",
        /// `AttributeThisDNRole`, id 23, int (seen in a log).
        THIS_DN_ROLE = 23 => "ThisDNRole",
        /// `AttributeOtherDN`, id 24, str (seen in a log).
        OTHER_DN = 24 => "OtherDN",
        /// `AttributeOtherQueue`, id 25, str (type of the interface).
        OTHER_QUEUE = 25 => "OtherQueue",
        /// `AttributeOtherTrunk`, id 26, int (type of the interface).
        OTHER_TRUNK = 26 => "OtherTrunk",
        /// `AttributeOtherDNRole`, id 27, int (seen in a log).
        OTHER_DN_ROLE = 27 => "OtherDNRole",
        /// `AttributeThirdPartyDN`, id 28, str (seen in a log).
        THIRD_PARTY_DN = 28 => "ThirdPartyDN",
        /// `AttributeThirdPartyQueue`, id 29, str (type of the interface).
        THIRD_PARTY_QUEUE = 29 => "ThirdPartyQueue",
        /// `AttributeThirdPartyTrunk`, id 30, int (type of the interface).
        THIRD_PARTY_TRUNK = 30 => "ThirdPartyTrunk",
        /// `AttributeThirdPartyDNRole`, id 31, int (seen in a log).
        THIRD_PARTY_DN_ROLE = 31 => "ThirdPartyDNRole",
        /// `AttributeMusicPath`, id 32, str (inferred).
        MUSIC_PATH = 32 => "MusicPath",
        /// `AttributeVoiceFileName`, id 33, str (type of the interface).
        VOICE_FILE_NAME = 33 => "VoiceFileName",
        /// `AttributeFileHandle`, id 34, int (type of the interface).
        FILE_HANDLE = 34 => "FileHandle",
        /// `AttributeUserID`, id 35, str (inferred).
        USER_ID = 35 => "UserID",
        /// `AttributePassword`, id 36, str (type of the interface).
        PASSWORD = 36 => "Password",
        /// `AttributeVoiceSegment`, id 37, str (type of the interface).
        VOICE_SEGMENT = 37 => "VoiceSegment",
        /// `AttributeVoiceIFlag`, id 38, int (type of the interface).
        VOICE_I_FLAG = 38 => "VoiceIFlag",
        /// `AttributeVoiceCFlag`, id 39, int (type of the interface).
        VOICE_C_FLAG = 39 => "VoiceCFlag",
        /// `AttributeNumberOfDigits`, id 40, int (type of the interface).
        NUMBER_OF_DIGITS = 40 => "NumberOfDigits",
        /// `AttributeTerminateDigits`, id 41, str (type of the interface).
        TERMINATE_DIGITS = 41 => "TerminateDigits",
        /// `AttributeTimeout`, id 42, int (seen in a log).
        TIMEOUT = 42 => "Timeout",
        /// `AttributeCollectedDigits`, id 43, str (type of the interface).
        COLLECTED_DIGITS = 43 => "CollectedDigits",
        /// `AttributeLastDigit`, id 44, int (type of the interface).
        LAST_DIGIT = 44 => "LastDigit",
        /// `AttributeInputMask`, id 45, bin (type of the interface).
        INPUT_MASK = 45 => "InputMask",
        /// `AttributeErrorCode`, id 46, int (type of the interface).
        ERROR_CODE = 46 => "ErrorCode",
        /// `AttributeAddressType`, id 47, int (type of the interface).
        ADDRESS_TYPE = 47 => "AddressType",
        /// `AttributeAddressMode`, id 48, int (inferred).
        ADDRESS_MODE = 48 => "AddressMode",
        /// `AttributeRegisterMode`, id 49, int (type of the interface).
        REGISTER_MODE = 49 => "RegisterMode",
        /// `AttributeControlMode`, id 50, int (type of the interface).
        CONTROL_MODE = 50 => "ControlMode",
        /// `AttributeUserData`, id 51, kv (seen in a log).
        USER_DATA = 51 => "UserData",
        /// `AttributeDataKey`, id 52, str (type of the interface).
        DATA_KEY = 52 => "DataKey",
        /// `AttributeExtensions`, id 53, kv (seen in a log).
        EXTENSIONS = 53 => "Extensions",
        /// `AttributeCallType`, id 54, int (seen in a log).
        CALL_TYPE = 54 => "CallType",
        /// `AttributeCallingLineName`, id 55, str (type of the interface).
        CALLING_LINE_NAME = 55 => "CallingLineName",
        /// `AttributeAddressInfoType`, id 56, int (type of the interface).
        ADDRESS_INFO_TYPE = 56 => "AddressInfoType",
        /// `AttributeAddressInfoStatus`, id 57, int (type of the interface).
        ADDRESS_INFO_STATUS = 57 => "AddressInfoStatus",
        /// `AttributeUserEvent`, id 58, int (seen in a log).
        USER_EVENT = 58 => "UserEvent",
        /// `AttributeCommunicationDN`, id 59, str (inferred).
        COMMUNICATION_DN = 59 => "CommunicationDN",
        /// `AttributeRouteType`, id 60, int (type of the interface).
        ROUTE_TYPE = 60 => "RouteType",
        /// `AttributeServerVersion`, id 61, str (type of the interface).
        SERVER_VERSION = 61 => "ServerVersion",
        /// `AttributeServerRole`, id 62, int (type of the interface).
        SERVER_ROLE = 62 => "ServerRole",
        /// `AttributeServerCapabilityMask`, id 63, bin (type of the interface).
        SERVER_CAPABILITY_MASK = 63 => "ServerCapabilityMask",
        /// `AttributeApplicationName`, id 64, str (type of the interface).
        APPLICATION_NAME = 64 => "ApplicationName",
        /// `AttributeApplicationPassword`, id 65, str (type of the interface).
        APPLICATION_PASSWORD = 65 => "ApplicationPassword",
        /// `AttributeMergeType`, id 66, int (type of the interface).
        MERGE_TYPE = 66 => "MergeType",
        /// `AttributeForwardMode`, id 67, int (type of the interface).
        FORWARD_MODE = 67 => "ForwardMode",
        /// `AttributeDTMFDigits`, id 68, str (type of the interface).
        DTMF_DIGITS = 68 => "DTMFDigits",
        /// `AttributeLocation`, id 69, str (type of the interface).
        LOCATION = 69 => "Location",
        /// `AttributeRemoteLocation`, id 70, str (inferred).
        REMOTE_LOCATION = 70 => "RemoteLocation",
        /// `AttributeRemoteConnID`, id 71, long (inferred).
        REMOTE_CONN_ID = 71 => "RemoteConnID",
        /// `AttributeRemoteDN`, id 72, str (inferred).
        REMOTE_DN = 72 => "RemoteDN",
        /// `AttributeMakeCallType`, id 73, int (type of the interface).
        MAKE_CALL_TYPE = 73 => "MakeCallType",
        /// `AttributeCallInfoType`, id 74, int (type of the interface).
        CALL_INFO_TYPE = 74 => "CallInfoType",
        /// `AttributeHomeLocation`, id 75, str (type of the interface).
        HOME_LOCATION = 75 => "HomeLocation",
        /// `AttributeCustomerID`, id 76, str (seen in a log).
        CUSTOMER_ID = 76 => "CustomerID",
        /// `AttributeFirstTransferHomeLocation`, id 77, str (type of the interface).
        FIRST_TRANSFER_HOME_LOCATION = 77 => "FirstTransferHomeLocation",
        /// `AttributeFirstTransferOrigDN`, id 78, str (type of the interface).
        FIRST_TRANSFER_ORIG_DN = 78 => "FirstTransferOrigDN",
        /// `AttributeLastTransferHomeLocation`, id 79, str (type of the interface).
        LAST_TRANSFER_HOME_LOCATION = 79 => "LastTransferHomeLocation",
        /// `AttributeLastTransferOrigDN`, id 80, str (type of the interface).
        LAST_TRANSFER_ORIG_DN = 80 => "LastTransferOrigDN",
        /// `AttributeSetOperation`, id 81, int (inferred).
        SET_OPERATION = 81 => "SetOperation",
        /// `AttributeNewConnID`, id 82, long (inferred).
        NEW_CONN_ID = 82 => "NewConnID",
        /// `AttributeTreatmentType`, id 83, int (type of the interface).
        TREATMENT_TYPE = 83 => "TreatmentType",
        /// `AttributeTreatmentParms`, id 84, kv (type of the interface).
        TREATMENT_PARMS = 84 => "TreatmentParms",
        /// `AttributeCLID`, id 85, str (type of the interface).
        CLID = 85 => "CLID",
        /// `AttributeTimeinSecs`, id 86, int (seen in a log).
        TIME_IN_SECS = 86 => "TimeinSecs",
        /// `AttributeTimeinuSecs`, id 87, int (seen in a log).
        TIME_IN_USECS = 87 => "TimeinuSecs",
        /// `AttributeSwitchInfoType`, id 88, int (type of the interface).
        SWITCH_INFO_TYPE = 88 => "SwitchInfoType",
        /// `AttributeXRouteType`, id 89, int (type of the interface).
        X_ROUTE_TYPE = 89 => "XRouteType",
        /// `AttributeAccessNumber`, id 90, str (type of the interface).
        ACCESS_NUMBER = 90 => "AccessNumber",
        /// `AttributeXReferenceID`, id 91, int (type of the interface).
        X_REFERENCE_ID = 91 => "XReferenceID",
        /// `AttributePlace`, id 92, str (type of the interface).
        PLACE = 92 => "Place",
        /// `AttributePriority`, id 93, int (type of the interface).
        PRIORITY = 93 => "Priority",
        /// `AttributeAgentIdleReason`, id 94, str (type of the interface).
        AGENT_IDLE_REASON = 94 => "AgentIdleReason",
        /// `AttributeRegistrationCode`, id 95, int (inferred).
        REGISTRATION_CODE = 95 => "RegistrationCode",
        /// `AttributeDNSyncInfo`, id 96, kv (inferred).
        DN_SYNC_INFO = 96 => "DNSyncInfo",
        /// `AttributeMediaType`, id 97, int (type of the interface).
        MEDIA_TYPE = 97 => "MediaType",
        /// `AttributeLocationInfoType`, id 98, int (type of the interface).
        LOCATION_INFO_TYPE = 98 => "LocationInfoType",
        /// `AttributeOriginalConnID`, id 99, long (inferred).
        ORIGINAL_CONN_ID = 99 => "OriginalConnID",
        /// `AttributeConsultType`, id 100, int (inferred).
        CONSULT_TYPE = 100 => "ConsultType",
        /// `AttributeMonitorNextCallType`, id 101, int (type of the interface).
        MONITOR_NEXT_CALL_TYPE = 101 => "MonitorNextCallType",
        /// `AttributeClientID`, id 102, int (inferred).
        CLIENT_ID = 102 => "ClientID",
        /// `AttributeProtocolID`, id 103, int (inferred).
        PROTOCOL_ID = 103 => "ProtocolID",
        /// `AttributePreviousCallID`, id 104, int (inferred).
        PREVIOUS_CALL_ID = 104 => "PreviousCallID",
        /// `AttributePrivateMsgID`, id 105, int (type of the interface).
        PRIVATE_MSG_ID = 105 => "PrivateMsgID",
        /// `AttributeFirstTransferConnID`, id 106, long (inferred).
        FIRST_TRANSFER_CONN_ID = 106 => "FirstTransferConnID",
        /// `AttributeLastTransferConnID`, id 107, long (inferred).
        LAST_TRANSFER_CONN_ID = 107 => "LastTransferConnID",
        /// `AttributeSessionID`, id 108, str (inferred).
        SESSION_ID = 108 => "SessionID",
        /// `AttributeHost`, id 109, str (inferred).
        HOST = 109 => "Host",
        /// `AttributePort`, id 110, int (inferred).
        PORT = 110 => "Port",
        /// `AttributeDBID`, id 111, int (inferred).
        DBID = 111 => "DBID",
        /// `AttributeOtherDBID`, id 112, int (inferred).
        OTHER_DBID = 112 => "OtherDBID",
        /// `AttributeThirdPartyDBID`, id 113, int (inferred).
        THIRD_PARTY_DBID = 113 => "ThirdPartyDBID",
        /// `AttributeCause`, id 114, int (inferred).
        CAUSE = 114 => "Cause",
        /// `AttributeDN`, id 115, str (inferred).
        DN = 115 => "DN",
        /// `AttributeDialedNumber`, id 116, str (inferred).
        DIALED_NUMBER = 116 => "DialedNumber",
        /// `AttributeOriginConnID`, id 117, long (inferred).
        ORIGIN_CONN_ID = 117 => "OriginConnID",
        /// `AttributeRefConnID`, id 118, long (inferred).
        REF_CONN_ID = 118 => "RefConnID",
        /// `AttributeReliability`, id 119, int (inferred).
        RELIABILITY = 119 => "Reliability",
        /// `AttributeTimeStamp`, id 120, long (inferred).
        TIME_STAMP = 120 => "TimeStamp",
        /// `AttributeSwitchTime`, id 121, long (inferred).
        SWITCH_TIME = 121 => "SwitchTime",
        /// `AttributePartyID`, id 122, str (inferred).
        PARTY_ID = 122 => "PartyID",
        /// `AttributePartyType`, id 123, int (inferred).
        PARTY_TYPE = 123 => "PartyType",
        /// `AttributePartyState`, id 124, int (type of the interface).
        PARTY_STATE = 124 => "PartyState",
        /// `AttributeRefParty`, id 125, str (inferred).
        REF_PARTY = 125 => "RefParty",
        /// `AttributeCtrlParty`, id 126, str (inferred).
        CTRL_PARTY = 126 => "CtrlParty",
        /// `AttributeRemoteLoc`, id 127, str (inferred).
        REMOTE_LOC = 127 => "RemoteLoc",
        /// `AttributeRemoteParty`, id 128, str (inferred).
        REMOTE_PARTY = 128 => "RemoteParty",
        /// `AttributeDevice`, id 129, str (inferred).
        DEVICE = 129 => "Device",
        /// `AttributeReserved_1`, id 130, int (inferred).
        RESERVED_1 = 130 => "Reserved_1",
        /// `AttributeReserved_2`, id 131, int (inferred).
        RESERVED_2 = 131 => "Reserved_2",
        /// `AttributeUpdateRevision`, id 132, int (inferred).
        UPDATE_REVISION = 132 => "UpdateRevision",
        /// `AttributeReturnReceipt`, id 133, kv (inferred).
        RETURN_RECEIPT = 133 => "ReturnReceipt",
        /// `AttributeReturnReceiptDN`, id 134, str (inferred).
        RETURN_RECEIPT_DN = 134 => "ReturnReceiptDN",
        /// `AttributeServerXCapabilities`, id 135, str (inferred).
        SERVER_X_CAPABILITIES = 135 => "ServerXCapabilities",
        /// `AttributeNetworkCallState`, id 136, int (type of the interface).
        NETWORK_CALL_STATE = 136 => "NetworkCallState",
        /// `AttributeNetworkDestState`, id 137, int (type of the interface).
        NETWORK_DEST_STATE = 137 => "NetworkDestState",
        /// `AttributeNetworkPartyRole`, id 138, int (type of the interface).
        NETWORK_PARTY_ROLE = 138 => "NetworkPartyRole",
        /// `AttributeNetworkOrigDN`, id 139, str (type of the interface).
        NETWORK_ORIG_DN = 139 => "NetworkOrigDN",
        /// `AttributeNetworkDestDN`, id 140, str (type of the interface).
        NETWORK_DEST_DN = 140 => "NetworkDestDN",
        /// `AttributeCallUUID`, id 141, str (seen in a log).
        CALL_UUID = 141 => "CallUUID",
        /// `AttributeNewCallUUID`, id 142, str (inferred).
        NEW_CALL_UUID = 142 => "NewCallUUID",
        /// `AttributeOrigCallUUID`, id 143, str (inferred).
        ORIG_CALL_UUID = 143 => "OrigCallUUID",
        /// `AttributeRefCallUUID`, id 144, str (inferred).
        REF_CALL_UUID = 144 => "RefCallUUID",
        /// `AttributePartyUUID`, id 145, str (inferred).
        PARTY_UUID = 145 => "PartyUUID",
        /// `AttributeISLinkList`, id 146, kv (inferred).
        IS_LINK_LIST = 146 => "ISLinkList",
        /// `AttributeServerStartTime`, id 147, long (inferred).
        SERVER_START_TIME = 147 => "ServerStartTime",
        /// `AttributeEventSequenceNumber`, id 148, long (seen in a log).
        EVENT_SEQUENCE_NUMBER = 148 => "EventSequenceNumber",
    }
}

/// Class of every attribute, indexed by id.
pub(super) const CLASSES: [ValueClass; 149] = {
    use ValueClass::{Binary, Int, KvList, Long, Str};
    [
        Str, Str, Int, Int, Int, Int, Int, Int, // 0
        Int, Long, Long, Long, Long, Int, Str, Int, // 8
        Int, KvList, Str, Str, Str, Str, Int, Int, // 16
        Str, Str, Int, Int, Str, Str, Int, Int, // 24
        Str, Str, Int, Str, Str, Str, Int, Int, // 32
        Int, Str, Int, Str, Int, Binary, Int, Int, // 40
        Int, Int, Int, KvList, Str, KvList, Int, Str, // 48
        Int, Int, Int, Str, Int, Str, Int, Binary, // 56
        Str, Str, Int, Int, Str, Str, Str, Long, // 64
        Str, Int, Int, Str, Str, Str, Str, Str, // 72
        Str, Int, Long, Int, KvList, Str, Int, Int, // 80
        Int, Int, Str, Int, Str, Int, Str, Int, // 88
        KvList, Int, Int, Long, Int, Int, Int, Int, // 96
        Int, Int, Long, Long, Str, Str, Int, Int, // 104
        Int, Int, Int, Str, Str, Long, Long, Int, // 112
        Long, Long, Str, Int, Int, Str, Str, Str, // 120
        Str, Str, Int, Int, Int, KvList, Str, Str, // 128
        Int, Int, Int, Str, Str, Str, Str, Str, // 136
        Str, Str, KvList, Long, Long, // 144
    ]
};
